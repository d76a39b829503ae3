"""Others' models, each in a separate process, so that their dependencies do not constrain ours."""

from bench.baselines.process import BASELINES, DETECTOR_BASELINES, open_baselines, open_detector
from fkp.errors import BaselineError

__all__ = ["BASELINES", "DETECTOR_BASELINES", "BaselineError", "open_baselines", "open_detector"]
