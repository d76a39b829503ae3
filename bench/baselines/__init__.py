"""Others' models beside ours, each in a process of its own, so that no version of theirs binds ours."""

from bench.baselines.process import BASELINES, DETECTOR_BASELINES, open_baselines, open_detector
from fkp.errors import BaselineError

__all__ = ["BASELINES", "DETECTOR_BASELINES", "BaselineError", "open_baselines", "open_detector"]
