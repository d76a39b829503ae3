"""The demo's entry point: `python app.py`, and what a Hugging Face Space runs."""

from __future__ import annotations

import argparse
import gc
import os

from demo.network import check_address, without_proxy
from demo.storage import end_on_sigterm, start_cleaning, use_private_folder
from fkp.errors import UsageError

# Before Gradio is imported: disables its telemetry.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Facial landmarks in the browser: pictures, webcam, videos.")
    parser.add_argument(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1",
        help="where to listen (default: $GRADIO_SERVER_NAME, then 127.0.0.1)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=os.environ.get("GRADIO_SERVER_PORT") or None,
        help="default: $GRADIO_SERVER_PORT, then the first free one from 7860 on",
    )
    address = parser.parse_args()
    os.environ.pop("GRADIO_SERVER_PORT", None)  # Gradio reads it again, as a number and without a check

    gc.disable()  # pausing the garbage collector makes startup 10 % faster
    try:
        if address.port:
            check_address(address.host, address.port)
        folder = use_private_folder()
        end_on_sigterm(folder)
        with without_proxy():
            from demo import models
            from demo.ui import build, files_of, launch_options

            page = build()  # by this name in this module, for a Space's development mode
            start_cleaning(folder, lambda: files_of(page))
            page.launch(server_name=address.host, server_port=address.port, **launch_options(page))
        gc.enable()
        models.warm_up()  # now, while its visitor's browser starts
        page.block_thread()
    except (UsageError, OSError) as error:
        parser.exit(1, f"the demo cannot start: {error}\n")
    except KeyboardInterrupt:
        pass
