"""The demo's entry point: `python app.py`, and what a Hugging Face Space runs."""

from __future__ import annotations

import argparse
import gc
import os

# Before Gradio is imported: it sends nothing home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Facial landmarks in the browser: pictures, webcam, videos.")
    parser.add_argument("--host", help="where to listen (default: $GRADIO_SERVER_NAME, then 127.0.0.1)")
    parser.add_argument("--port", type=int, help="default: $GRADIO_SERVER_PORT, then one from 7860 on")
    address = parser.parse_args()

    gc.disable()  # what is imported stays: looking for rubbish in it takes a tenth of the start
    from demo import models
    from demo.ui import build, launch_options

    page = build()  # a Space in its development mode looks for it among this module's names
    try:
        page.launch(
            prevent_thread_lock=True, server_name=address.host, server_port=address.port, **launch_options()
        )
    except OSError as error:  # the port is taken, or the address is not ours
        parser.exit(1, f"the demo cannot start: {error}\n")
    gc.enable()
    models.warm_up()  # now, as its visitor's browser takes longer to start
    page.block_thread()
