"""The networks, one family a file. Importing this package registers them all."""

from fkp.models import fields as _fields  # noqa: F401
from fkp.models import reports as _reports  # noqa: F401
from fkp.models.contract import KeypointModel, Prediction, Preprocess
from fkp.models.registry import create, network_names, register

__all__ = ["KeypointModel", "Prediction", "Preprocess", "create", "network_names", "register"]
