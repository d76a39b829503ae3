"""Reader of CFP's profiles (Sengupta et al., WACV 2016): 30 points by hand, as the visible half of the 68."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from fkp.datasets.face_lines import read_face_lines
from fkp.datasets.parsing import json_field
from fkp.datasets.sample import OnError, Sample, fail

_LOOKS_TO = {
    "frontal": "frontal",
    "left": "right",
    "right": "left",
    "lefthalf": "righthalf",
    "righthalf": "lefthalf",
}


def read_cfp_profile(folder: Path, on_error: OnError = fail) -> Iterator[Sample]:
    """One sample for every line of `labels.jsonl`; its group is the person.

    A line's `pose` names the side of the face that is seen, a sample's the way that the face looks.
    """
    for sample in read_face_lines(folder, lambda row: json_field(row, "person", str), on_error):
        yield dataclasses.replace(sample, pose=_LOOKS_TO[sample.pose or "frontal"])
