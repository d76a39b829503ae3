"""The demo's entry point: `python app.py`, and what a Hugging Face Space runs."""

from __future__ import annotations

import gc
import os

# Before Gradio is imported: it sends nothing home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for rubbish in it takes a tenth of the start
    from demo import models
    from demo.ui import build, launch_options

    page = build()  # a Space in its development mode looks for it among this module's names
    page.launch(prevent_thread_lock=True, **launch_options())
    gc.enable()
    models.warm_up()  # now, as its visitor's browser takes longer to start
    page.block_thread()
