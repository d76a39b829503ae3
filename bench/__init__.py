"""`python -m bench`: the accuracy, speed and robustness of each exported model, on this machine."""

import fkp  # noqa: F401  switches ONNX Runtime's telemetry off, before any module here imports it
