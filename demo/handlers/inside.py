"""The Inside tab: filters and feature maps of a model on a visitor's face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from demo import html, models
from demo.files import save_jpeg, save_png
from demo.handlers.images import read_picture
from demo.handlers.requests import refusing, to_name
from demo.storage import new_folder
from fkp.geometry import crop_transform, warp


class View(NamedTuple):
    """What the tab shows; paths of pictures."""

    message: str
    crop: str | None = None
    filters: str | None = None
    layers: list[tuple[str, str]] | None = None


@refusing(lambda text: View(html.problem(text)))
def look(picture: Mapping[str, Any] | None, model: str | None) -> View:
    """Show the first filters of a model, and the feature maps of the face with the best score in a picture.

    Never raises for bad input: the message says what is wrong.
    """
    if picture is None:
        return View(html.note("Choose a picture."))
    # Not needed before, and onnx makes the page start later.
    from fkp.inspection.feature_maps import open_inside
    from fkp.inspection.rendering import filters_picture, layer_caption, layer_picture, maps_over

    name, image = to_name(model), read_picture(picture)
    landmarker = models.get_landmarker(name)
    path = models.find(name).path
    inside = open_inside(path, path.stat().st_mtime_ns)
    faces = landmarker(image)
    if not faces:
        return View(html.faces_found(faces, image.shape[:2]))
    size = landmarker.spec.input_size
    crop = warp(image, crop_transform(faces[0].box, size, landmarker.spec.margin), size)
    folder = new_folder()
    layers = [
        (save_jpeg(layer_picture(layer), folder / f"layer-{number}.jpg"), layer_caption(layer))
        for number, layer in enumerate(inside.layers(crop))
    ]
    if (maps := inside.maps(crop)) is not None:
        caption = f"The heatmaps of its {len(maps)} points over the crop"
        layers.append((save_jpeg(maps_over(crop, maps), folder / "maps.jpg"), caption))
    count = len(inside.filters)
    text = f"The first layer has {count} filters of {' x '.join(map(str, inside.filters.shape[2:]))} weights."
    return View(
        html.done(text),
        save_png(crop, folder / "crop.png"),
        save_png(filters_picture(inside), folder / "filters.png"),
        layers,
    )
