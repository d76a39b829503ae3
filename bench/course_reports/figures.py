"""The pictures of docs/reports.md: points, weights and curves, and no face of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.course_reports.rows import CurveRow
from fkp.datasets import Sample
from fkp.datasets.unit_shapes import unit_points, unit_shapes
from fkp.geometry import crop_transform, from_unit, mirror_points, mirror_transform, to_unit, warp
from fkp.images import load_image
from fkp.inspection import rendering
from fkp.inspection.feature_maps import Inside
from fkp.inspection.rendering import BLUE, GRAY, ORANGE, Picture, Sketch, captioned, save_png, sketch
from fkp.runtime.detectors import HaarDetector
from fkp.runtime.drawing import draw
from fkp.runtime.landmarker import Landmarker
from fkp.schemes import get_scheme
from fkp.shapes import ShapeModel

# A photo in the public domain, see demo/examples/CREDITS.md.
PORTRAIT = Path(__file__).resolve().parents[2] / "demo" / "examples" / "eileen-collins.jpg"

_COLORS = 32
_MARGIN = 1.25  # of drawn faces, over the face box
_SIDE = 220  # pixels of a drawn face
_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito (2008)
_PEOPLE = ((1.8, 0.0, False), (2.3, 6.0, True), (2.8, 5.0, False))  # margin, tilt, mirrored
_PERSON = 210  # pixels


def filters(model: Path, out: Path) -> Path:
    """The first layer's filters."""
    return save_png(rendering.filters_picture(Inside(model)), out, 256)


def modes(samples: Sequence[Sample], components: int, out: Path) -> Path:
    """The principal components of faces."""
    model = ShapeModel.fit(unit_shapes(samples, _MARGIN), components)
    return save_png(rendering.modes_picture(model, samples[0].scheme, side=150), out, _COLORS)


def mirrored(
    samples: Sequence[Sample],
    faces: Sequence[Sample],
    predictions: Mapping[str, NDArray],
    out: Path,
) -> Path:
    """The mean of faces and their mirror images, re-ordered and not; then the mean predictions of networks.

    Args:
        samples: the faces that are mirrored.
        faces: those that the networks predicted.
        predictions: title -> points (N, K, 2), image frame, for `faces`.
        out: the file.
    """
    scheme = get_scheme(samples[0].scheme)
    shapes = unit_shapes(samples, _MARGIN)
    size = (_SIDE, _SIDE)
    pixels = from_unit(shapes, size)  # of a crop, which is what is mirrored
    orders = {"mirrored and re-ordered": scheme.mirror, "only mirrored": range(scheme.num_points)}
    means = {}
    for title, order in orders.items():
        both = np.concatenate([pixels, mirror_points(pixels, _SIDE, order)])
        means[title] = to_unit(both.mean(axis=0), size)
    boxes = [face.box for face in faces]
    means |= {title: unit_points(p, boxes, _MARGIN).mean(axis=0) for title, p in predictions.items()}
    gray = Sketch(shapes.mean(axis=0), GRAY)
    tiles = []
    for number, (title, mean) in enumerate(means.items()):
        color = (BLUE, ORANGE)[number % 2]
        tiles.append(captioned(sketch([gray, Sketch(mean, color)], scheme.name, size), title))
    return save_png(rendering.grid(tiles, len(tiles)), out, _COLORS)


def group(models: Sequence[Path], out: Path) -> Path:
    """Haar -> crop -> predict -> overlay, for a group made of one portrait; one row a model."""
    photo = _group_photo(load_image(PORTRAIT))
    rows = []
    for path in models:
        landmarker = Landmarker(path, "cpu", detector="haar")
        faces = landmarker(photo)
        rows.append(captioned(draw(photo, faces), f"{landmarker.spec.name}: {len(faces)} of 3 faces found"))
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rendering.grid(rows, 1)).save(out, quality=80, optimize=True)
    return out


def _group_photo(portrait: Picture) -> Picture:
    """A portrait side by side at three distances: as it is, mirrored and tilted, tilted the other way."""
    box, size = HaarDetector().detect(portrait).boxes[0], (_PERSON, _PERSON)
    people = []
    for margin, angle, mirror in _PEOPLE:
        matrix = crop_transform(box, size, margin, angle)
        people.append(warp(portrait, mirror_transform(_PERSON) @ matrix if mirror else matrix, size))
    return np.concatenate(people, axis=1)


def curves(experiments: Mapping[str, Mapping[str, Sequence[CurveRow]]], out: Path) -> Path:
    """Losses (training dashed, validation solid) above, validation NME below; one column an experiment.

    Args:
        experiments: title -> run -> its epochs.
        out: the file.
    """
    import matplotlib as mpl  # of requirements-dev.txt: needed only to draw runs

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    count = len(experiments)
    figure, grid = plt.subplots(
        2, count, figsize=(3.1 * count + 0.3, 4.6), layout="constrained", squeeze=False, sharex="col"
    )
    for (title, runs), (losses, errors) in zip(experiments.items(), grid.T, strict=True):
        for color, (name, history) in zip(_LINES, runs.items(), strict=False):
            epochs = [row.epoch for row in history]
            label = name.partition("-")[2]
            mark = "." if len(history) < 8 else ""
            losses.plot(epochs, [row.train_loss for row in history], "--", c=color, lw=1, marker=mark)
            losses.plot(epochs, [row.val_loss for row in history], c=color, lw=1.3, marker=mark, label=label)
            errors.plot(epochs, [row.val_nme for row in history], c=color, lw=1.3, marker=mark)
        losses.set(title=title, yscale="log")
        losses.legend(fontsize=7, framealpha=0.8, edgecolor="none")
        errors.set(yscale="log", xlabel="epoch")
        errors.yaxis.set_major_formatter("{x:g}")
        errors.yaxis.set_minor_formatter("{x:g}")
        errors.tick_params(which="both", labelsize=8)
        for axes in (losses, errors):
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set_ylabel("loss")
    grid[1, 0].set_ylabel("validation NME, %")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=80)
    plt.close(figure)
    with Image.open(out) as image:
        return save_png(np.asarray(image.convert("RGB")), out, _COLORS)
