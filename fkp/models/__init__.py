"""The networks, one family a file. Importing this package registers them all."""

from fkp.models import fields as _fields  # noqa: F401
from fkp.models import reports as _reports  # noqa: F401
from fkp.models import resnets as _resnets  # noqa: F401
from fkp.models import unet as _unet  # noqa: F401
from fkp.models.contract import KeypointModel, Prediction, Preprocess, multiply_adds
from fkp.models.registry import begin, create, network_names, register

__all__ = [
    "KeypointModel",
    "Prediction",
    "Preprocess",
    "begin",
    "create",
    "multiply_adds",
    "network_names",
    "register",
]
