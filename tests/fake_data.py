"""Made-up faces and small data sets of them, in the public layouts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fkp.datasets.pseudo_labels import PseudoLabel, append_label
from fkp.schemes import IBUG68, IMM58, Scheme

TRAIN_XML = "labels_ibug_300W_train.xml"
TEST_XML = "labels_ibug_300W_test_parsed.xml"
IBUG = "ibug_300W_large_face_landmark_dataset"
YTF = "P1_Facial_Keypoints/data"
IMM = "imm_face_db"
HELEN = "helen_unlabelled"
MERL_RAV = "merl_rav"
CFP = "cfp_profile"
WFLW = "WFLW"
LABELS = "labels.jsonl"


def _arc(center: tuple[float, float], radii: tuple[float, float], angles: Sequence[float]) -> list:
    """Points of an ellipse at angles in degrees: 0 is to the right, 90 down."""
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1) * radii + center


def cartoon(scheme: Scheme) -> NDArray:
    """A symmetric upright face in that scheme, (K, 2), within the box (0, 0, 1, 1)."""
    right, left, chin = (0.28, 0.25), (0.72, 0.25), (0.5, 0.2)
    if scheme is IBUG68:
        parts = [
            _arc(chin, (0.5, 0.8), np.linspace(180, 0, 17)),
            _arc((0.28, 0.15), (0.14, 0.15), np.linspace(200, 340, 5)),
            _arc((0.72, 0.15), (0.14, 0.15), np.linspace(200, 340, 5)),
            [(0.5, y) for y in (0.25, 0.35, 0.45, 0.55)],
            _arc((0.5, 0.55), (0.12, 0.07), np.linspace(160, 20, 5)),
            _arc(right, (0.09, 0.05), (180, 240, 300, 0, 60, 120)),
            _arc(left, (0.09, 0.05), (180, 240, 300, 0, 60, 120)),
            _arc((0.5, 0.78), (0.2, 0.09), np.arange(180, 540, 30)),
            _arc((0.5, 0.78), (0.15, 0.04), np.arange(180, 540, 45)),
        ]
    elif scheme is IMM58:
        parts = [
            _arc(chin, (0.5, 0.8), np.linspace(180, 0, 13)),
            _arc(left, (0.09, 0.05), -np.arange(0, 360, 45)),
            _arc(right, (0.09, 0.05), np.arange(180, 540, 45)),
            _arc((0.72, 0.15), (0.14, 0.15), np.linspace(200, 340, 5)),
            _arc((0.28, 0.15), (0.14, 0.15), np.linspace(340, 200, 5)),
            _arc((0.5, 0.78), (0.2, 0.09), np.arange(180, 540, 45)),
            _arc((0.5, 0.3), (0.1, 0.3), np.linspace(210, -30, 11)),
        ]
    else:
        raise ValueError(f"no cartoon in {scheme.name}")
    return np.concatenate(parts)


def draw_face(points: NDArray, scheme: Scheme, size: tuple[int, int]) -> NDArray[np.uint8]:
    """An RGB picture (H, W, 3) of the lines that connect the points."""
    height, width = size
    image = Image.new("RGB", (width, height), (90, 120, 100))
    pen = ImageDraw.Draw(image)
    pen.polygon([tuple(p) for p in points[list(scheme.regions["jaw"])]], fill=(224, 186, 160))
    for outline in scheme.outlines:
        line = [tuple(points[i]) for i in outline.points]
        pen.line(line + line[:1] * outline.closed, fill=(60, 30, 30), width=2)
    return np.asarray(image)


def make_face(
    rng: np.random.Generator, scheme: Scheme = IBUG68, size: tuple[int, int] = (120, 100)
) -> tuple[NDArray[np.uint8], NDArray]:
    """An RGB picture (H, W, 3) of a face and its points, a little different every time."""
    points = cartoon(scheme) * rng.uniform(0.5, 0.7) * min(size) + rng.uniform(12, 22, size=2)
    points += rng.normal(0, 0.4, size=points.shape)
    return draw_face(points, scheme, size), points


def write_fake_data(root: Path, rng: np.random.Generator, faces: int = 12) -> None:
    """A data root with every data set of the catalog; `faces` says how large the training parts are.

    From 12 faces on the validation parts are not empty: photo 102 and person 5 are held out.
    """
    _write_ibug(root / IBUG, rng, faces)
    _write_ytf(root / YTF, rng, faces)
    _write_imm(root / IMM, rng)
    _write_labeled(root, rng)
    _write_partial(root, rng)
    _write_wflw(root / WFLW, rng)


def _write_ibug(folder: Path, rng: np.random.Generator, faces: int) -> None:
    train = [f"afw/{100 + i // 2}_{1 + i % 2}.jpg" for i in range(faces)]
    train += ["helen/trainset/200_1.jpg", "lfpw/trainset/image_0001.png", "helen/testset/300_1.jpg"]
    with_points, without_points = "lfpw/testset/image_0001.png", "afw/900_1.jpg"
    challenging = "ibug/image_003_1.jpg"
    entries, boxes = {}, {}
    for name in [*train, with_points, without_points, challenging]:
        image, points = make_face(rng)
        write_image(folder / name, image)
        write_pts((folder / name).with_suffix(".pts"), points)
        left, top = points.min(axis=0).round().astype(int) - 5
        boxes[name] = (left, top, 60, 60)
        entries[name] = xml_image(name, boxes[name], points.round().astype(int))
    (folder / without_points).with_suffix(".pts").unlink()
    write_xml(folder / TRAIN_XML, [entries[name] for name in train])
    write_xml(folder / TEST_XML, [xml_image(name, boxes[name]) for name in (with_points, without_points)])


def _write_ytf(folder: Path, rng: np.random.Generator, faces: int) -> None:
    for part, count in {"training": faces, "test": 2}.items():
        rows = [",".join(["", *map(str, range(136))])]
        for i in range(count):
            image, points = make_face(rng)
            name = f"A_Person{i // 2}_{i:02d}.jpg"
            write_image(
                folder / part / name, np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]), "PNG"
            )
            rows.append(",".join([name, *(f"{value:.1f}" for value in points.round().ravel())]))
        (folder / f"{part}_frames_keypoints.csv").write_text("\n".join(rows) + "\n")


def _write_imm(folder: Path, rng: np.random.Generator) -> None:
    for name in ("01-1m", "01-2m", "02-1f", "33-1m"):
        image, points = make_face(rng, IMM58)
        write_image(folder / f"{name}.jpg", image)
        write_asf(folder / f"{name}.asf", points / (image.shape[1], image.shape[0]), f"{name}.jpg")


def _write_wflw(folder: Path, rng: np.random.Generator) -> None:
    """Faces of which WFLW's order of points is taken from the 68; `b_16_2.jpg` is held out."""
    lists = folder / "WFLW_annotations/list_98pt_rect_attr_train_test"
    lists.mkdir(parents=True)
    for split, names in {
        "train": ("0--Parade/a_1_1.jpg", "1--Handshaking/b_16_2.jpg"),
        "test": ("9--Press/c_9_3.jpg",),
    }.items():
        lines = []
        for name in names:
            image, points = make_face(rng)
            write_image(folder / "WFLW_images" / name, image)
            lines.append(wflw_line(name, points))
        (lists / f"list_98pt_rect_attr_{split}.txt").write_text("".join(lines))


def wflw_line(name: str, points: NDArray) -> str:
    """A line of WFLW's lists for the 68 points of a face; the 30 others lie on the chin's tip."""
    all98 = np.tile(points[8], (98, 1))
    all98[:33:2] = points[:17]
    all98[33:38], all98[42:47], all98[51:60] = points[17:22], points[22:27], points[27:36]
    all98[[60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75]] = points[36:48]
    all98[76:96] = points[48:]
    box = (*points.min(axis=0).astype(int), *points.max(axis=0).astype(int))
    return " ".join([*(f"{v:.6f}" for v in all98.ravel()), *map(str, box), *"000000", name]) + "\n"


def _write_labeled(root: Path, rng: np.random.Generator) -> None:
    """A picture without annotations, and a teacher's labels of it and of the frames of videos."""
    image, points = make_face(rng)
    write_image(root / HELEN / "400_1.jpg", image)
    frames = [path.relative_to(root).as_posix() for path in sorted((root / YTF / "training").iterdir())]
    for name in (f"{HELEN}/400_1.jpg", *frames):
        append_label(root / LABELS, name, [PseudoLabel(0.9, 0.8, points, IBUG68.name)])


def _write_partial(root: Path, rng: np.random.Generator) -> None:
    """Faces of which the head hides the left half; photo 29 and person 010 are held out."""
    sides = {1: "train", 29: "train", 3: "test"}
    merl = [{"image": f"images/{n:04d}-image{n:05d}.jpg", "split": side} for n, side in sides.items()]
    people = [{"image": f"images/{person}-01.jpg", "person": person} for person in ("001", "010")]
    for folder, rows, pose in ((MERL_RAV, merl, "righthalf"), (CFP, people, "right")):
        for row in rows:
            image, points = make_face(rng)
            write_image(root / folder / row["image"], image)
            row |= {"pose": pose, "points": hide(points)}
            if folder == MERL_RAV:
                row |= {"state": [2 if p is None else int(i == 0) for i, p in enumerate(row["points"])]}
        write_face_lines(root / folder / "labels.jsonl", rows)


def hide(points: NDArray) -> list[list[float] | None]:
    """Points as they stand in a line of `labels.jsonl`, without those of the left half of the jaw."""
    return [None if 9 <= i <= 16 else [round(x, 2), round(y, 2)] for i, (x, y) in enumerate(points.tolist())]


def write_face_lines(path: Path, rows: Sequence[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_image(path: Path, image: NDArray[np.uint8], image_format: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, image_format)


def write_pts(path: Path, points: NDArray) -> None:
    rows = "".join(f"{x:.3f} {y:.3f}\n" for x, y in points + 1)
    path.write_text(f"version: 1\nn_points:  {len(points)}\n{{\n{rows}}}\n")


def write_asf(path: Path, shares: NDArray, picture: str) -> None:
    rows = "".join(f"0 \t4 \t{x:.8f} \t{y:.8f} \t{i} \t0 \t1\n" for i, (x, y) in enumerate(shares))
    path.write_text(
        f"# AAM Shape File\n\n{len(shares)}\n#\n# model points\n#\n{rows}\n# picture\n{picture}\n"
    )


def xml_image(name: str, box: Sequence[int], parts: NDArray | None = None) -> str:
    """One `image` element; box is (left, top, width, height)."""
    left, top, width, height = box
    points = () if parts is None else parts
    inside = "\n".join(f"<part name='{i:02d}' x='{x}' y='{y}'/>" for i, (x, y) in enumerate(points))
    return (
        f"<image file='{name}'>\n<box top='{top}' left='{left}' width='{width}' height='{height}'>\n"
        f"{inside}\n</box>\n</image>"
    )


def write_xml(path: Path, images: Sequence[str]) -> None:
    header = "<?xml version='1.0' encoding='ISO-8859-1'?>"
    path.write_text("\n".join([header, "<dataset>", "<images>", *images, "</images>", "</dataset>", ""]))
