"""`python -m fkp inspect`: pictures of what a network learned."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from fkp.datasets import DATASETS, Sample, as_scheme, find_data_root, load
from fkp.datasets.options import add_data
from fkp.datasets.unit_shapes import unit_shapes
from fkp.errors import FkpError, ImageError, ModelError
from fkp.geometry import crop_transform, transform_points, warp
from fkp.history import PredictionHistory
from fkp.images import load_image
from fkp.inspection import animation, rendering
from fkp.inspection.feature_maps import Inside
from fkp.inspection.rendering import Picture, Sketch
from fkp.runtime.drawing import draw
from fkp.runtime.face import Face
from fkp.runtime.folders import models_folder
from fkp.runtime.index import find_model, read_index
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import ModelSession
from fkp.schemes import NOSE1
from fkp.shapes import ShapeModel
from fkp.spec import ModelSpec

_EPILOG = """\
examples:
  python -m fkp inspect fkp68-base photo.jpg      an exported model, by its name
  python -m fkp inspect other/model.onnx          or by its file
  python -m fkp inspect report001-nose-l1         or a run that is not exported yet (needs torch)

writes into inspect/NAME:
  filters.png       the weights of the first convolution; gray is zero. Edges, dots and colors are learned
                    filters, noise is one that learned little
with an IMAGE, for the face with the best detection score:
  crop.png          the input of the network
  layer-1.png ...   feature maps of four convolutions, from the first to the last
  maps.png          the heatmap of each point, for networks that predict with heatmaps (soft-argmax)
  maps-on-crop.png  all heatmaps over the crop: sharp where the network is confident, spread out elsewhere
  points.png        the predicted points
with the data that the model was trained on:
  mean-face.png     the mean of the training faces' points (for a nose tip, all of them): what a network
                    predicts that has learned nothing else
  modes.png         the principal components of the points, with their share of the variance; blue and
                    orange are 2.5 standard deviations in either direction. Not for a nose tip
with the run of that name:
  training.gif      how the predictions for six faces moved during training
"""
_MODES = 12
_MARGIN = 1.25  # of the mean face's picture, over the face box
_SIDE = 400  # pixels of the mean face's picture


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command `inspect`."""
    parser = subparsers.add_parser(
        "inspect",
        description="Draw what a network learned: its filters, its feature maps of a face, the mean face and "
        "the modes of its training data, an animation of its training.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("name", metavar="NAME", help="an exported model's name or .onnx file, or a run's name or folder")
    add("image", nargs="?", type=Path, metavar="IMAGE", help="a picture with a face")
    add("--out", type=Path, metavar="DIR", help="folder for the pictures (default: inspect/NAME)")
    add_data(parser)
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the runs (default: runs)")
    parser.set_defaults(func=_inspect)


def _inspect(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        model, run = _find(args.name, args.runs, Path(scratch))
        spec = ModelSession(model, "cpu").spec
        out = args.out or Path("inspect") / spec.name
        run = run or args.runs / spec.name
        for path, words in _all(model, spec, args.image, find_data_root(args.data), run, out):
            print(f"{path}: {words}")
    return 0


def _find(name: str, runs: Path, scratch: Path) -> tuple[Path, Path | None]:
    """The .onnx file that a name means, exported now where only a run has it, and the run's folder.

    Raises:
        ModelError: the name means nothing.
    """
    for run in (Path(name), runs / name):
        known = run != Path(name) and name in read_index(models_folder())
        if (run / "weights.pt").is_file() and not known:
            return _exported(run, scratch), run
    try:
        return find_model(name)[0], None
    except ModelError as error:
        raise ModelError(f"{error}; and {runs} holds no run of that name") from error


def _exported(run: Path, folder: Path) -> Path:
    import fkp.course_reports  # noqa: F401  registers its recipes
    from fkp.export.onnx_export import export
    from fkp.training.recipes import get_recipe
    from fkp.training.run import Run

    try:
        return export(get_recipe(run.name), Run(run), folder)[0]
    except FkpError as error:
        raise ModelError(f"the run {run} cannot be inspected: {error}") from error


def _all(
    model: Path, spec: ModelSpec, image: Path | None, root: Path | None, run: Path, out: Path
) -> Iterator[tuple[Path, str]]:
    try:
        inside = Inside(model)
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from error
    count, shape = len(inside.filters), " x ".join(map(str, inside.filters.shape[2:]))
    yield _save(out / "filters.png", rendering.filters_picture(inside)), f"{count} filters of {shape} weights"
    if image is not None:
        yield from _of_a_face(Landmarker(model, "cpu"), inside, image, out)
    if root is not None:
        yield from _of_shapes(spec, root, out)
    yield from _of_training(run, spec.scheme, out)


def _of_a_face(landmarker: Landmarker, inside: Inside, image: Path, out: Path) -> Iterator[tuple[Path, str]]:
    picture = load_image(image)
    faces = landmarker(picture)
    if not faces:
        raise ImageError(f"no face was found in {image}")
    height, width = landmarker.spec.input_size
    crop = _crop(picture, faces[0], (height, width), landmarker.spec.margin)[0]
    yield _save(out / "crop.png", crop), f"the input of the network, {width} x {height} pixels"
    for number, layer in enumerate(inside.layers(crop), 1):
        yield (
            _save(out / f"layer-{number}.png", rendering.layer_picture(layer)),
            rendering.layer_caption(layer),
        )
    maps = inside.maps(crop)
    if maps is not None:
        words = f"where each of {len(maps)} points may be, maps of {maps.shape[2]} x {maps.shape[1]}"
        yield _save(out / "maps.png", rendering.maps_picture(maps)), words
        yield _save(out / "maps-on-crop.png", rendering.maps_over(crop, maps)), "all maps over the crop"
    times = -(-_SIDE // min(height, width))
    fine, face = _crop(picture, faces[0], (height * times, width * times), landmarker.spec.margin)
    yield _save(out / "points.png", draw(fine, [face])), "the predicted points"


def _crop(picture: Picture, face: Face, size: tuple[int, int], margin: float) -> tuple[Picture, Face]:
    matrix = crop_transform(face.box, size, margin)
    corners = transform_points(matrix, face.box.reshape(2, 2)).reshape(4)
    return warp(picture, matrix, size), replace(
        face, points=transform_points(matrix, face.points).astype(np.float32), box=corners
    )


def _of_shapes(spec: ModelSpec, root: Path, out: Path) -> Iterator[tuple[Path, str]]:
    """Pictures of those of the model's training faces that the data root holds."""
    samples = [face for name in spec.training_data for face in _faces(name, spec.scheme, root)]
    if not samples:
        return
    shapes = unit_shapes(samples, _MARGIN)
    model = ShapeModel.fit(shapes, _MODES)
    cloud = (
        [Sketch(shapes.reshape(-1, 2), rendering.GRAY, outlines=False)] if spec.scheme == NOSE1.name else []
    )
    mean = rendering.sketch([*cloud, Sketch(model.mean, rendering.BLUE)], spec.scheme, (_SIDE, _SIDE))
    yield _save(out / "mean-face.png", mean), f"the mean of {len(shapes)} faces"
    if spec.scheme != NOSE1.name:
        modes = rendering.modes_picture(model, spec.scheme)
        words = f"{len(model.modes)} modes, {model.shares.sum():.1%} of the variance"
        yield _save(out / "modes.png", modes), words


def _faces(dataset: str, scheme: str, root: Path) -> list[Sample]:
    """The faces of a data set; none where it, or something it is made of, is not there."""
    try:
        faces = load(dataset, root, lambda broken: None) if dataset in DATASETS else []
    except FileNotFoundError:
        return []
    return [as_scheme(face, scheme) for face in faces]


def _of_training(run: Path, scheme: str, out: Path) -> Iterator[tuple[Path, str]]:
    history = PredictionHistory.load(run)
    if history is not None:
        frames = animation.frames(history, scheme)
        yield animation.save_gif(frames, out / "training.gif"), f"the training, in {len(frames)} pictures"


def _save(path: Path, picture: Picture) -> Path:
    return rendering.save_png(picture, path)
