"""Endpoints for programs: gradio_client, plain HTTP, or a model that calls tools (MCP)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from demo import models
from demo.handlers.images import read_picture
from demo.handlers.requests import EXPECTED, sentence, to_name
from fkp.runtime.results import Source, record


def landmarks(picture: Mapping[str, Any] | None, model: str | None) -> dict[str, Any]:
    """Find all faces in a picture and the facial landmarks of each.

    Args:
        picture: the picture's file.
        model: name of a model, as `list_models` gives it.

    Returns:
        width, height, milliseconds and faces: box, points in pixels of the upright picture, scores in 0 to 1.
    """
    if picture is None:
        raise gr.Error("Give a picture.", print_exception=False)
    try:
        image, name = read_picture(picture), to_name(model)
        analysis = models.get_landmarker(name).analyze(image)
    except EXPECTED as error:
        raise gr.Error(sentence(error), print_exception=False) from error
    result = record(Source("picture", image.shape[:2]), name, analysis.faces)
    return {**result, "milliseconds": {stage: round(value, 2) for stage, value in analysis.timings.items()}}


def list_models() -> list[dict[str, Any]]:
    """List the landmark models, best first: name, landmark scheme, summary, and why one cannot be used."""
    return [
        {
            "name": entry.name,
            "scheme": entry.spec.scheme if entry.spec else None,
            "summary": entry.spec.summary if entry.spec else None,
            "problem": entry.problem,
        }
        for entry in models.entries()
    ]
