"""The demo's entry point: `python app.py`, and what a Hugging Face Space runs."""

from __future__ import annotations

import os
import threading

# Before Gradio is imported: it sends nothing home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from demo import models
from demo.ui import build, launch_options

if __name__ == "__main__":
    threading.Thread(target=models.warm_up, daemon=True).start()
    build().launch(**launch_options())
