"""Networks, one family a file. Importing this package registers those it holds."""

from fkp.models import heatmap as _heatmap  # noqa: F401
from fkp.models.base import KeypointModel, Prediction, Preprocess, multiply_adds
from fkp.models.registry import create, initialize, network_names, register

__all__ = [
    "KeypointModel",
    "Prediction",
    "Preprocess",
    "create",
    "initialize",
    "multiply_adds",
    "network_names",
    "register",
]
