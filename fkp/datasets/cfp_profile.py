"""Reader of CFP's profiles (Sengupta et al., WACV 2016): 30 points by hand, as the visible half of the 68."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from fkp.datasets.face_lines import read_face_lines
from fkp.datasets.sample import OnError, Sample, fail

_LOOKS_TO = {"left": "right", "right": "left"}


def read_cfp_profile(folder: Path, on_error: OnError = fail) -> Iterator[Sample]:
    """One sample for every line of `labels.jsonl`; its group is the person.

    A line's `pose` names the side of the face that is seen, a sample's the way that the face looks.
    """
    for sample in read_face_lines(folder, lambda row: str(row["person"]), on_error):
        yield dataclasses.replace(sample, pose=_LOOKS_TO[sample.pose or ""])
