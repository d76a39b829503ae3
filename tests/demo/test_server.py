"""The running demo, as programs see it: endpoints, many visitors at once, and what it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from demo_server import FACE, encoded, running, save_models
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.handlers.leaderboard import REPORT

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds, for a busy machine


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    exported = tmp_path_factory.mktemp("exported")
    save_models(exported)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_MODELS", str(exported))
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with running() as url:
            yield url


@pytest.fixture(scope="module")
def client(address):
    return connect(address)


def connect(address: str) -> Client:
    """A client that waits for a busy machine."""
    return Client(address, verbose=False, httpx_kwargs={"timeout": PATIENCE})


def test_only_the_documented_endpoints_are_named(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/landmarks", "/models"}


def test_models_are_listed_with_what_is_wrong(client):
    problems = {model["name"]: model["problem"] for model in client.predict(api_name="/models")}
    assert problems["big"] is None
    assert "bytes" in problems["broken"]


def test_landmarks_of_a_picture(client):
    result = client.predict(handle_file(str(FACE)), "big", api_name="/landmarks")
    assert (result["width"], result["height"], result["model"]) == (512, 512, "big")
    assert len(result["faces"]) == 1
    assert len(result["faces"][0]["points"]) == 68
    assert set(result["milliseconds"]) == {"detect", "crop", "network"}


@pytest.mark.parametrize(("model", "said"), [("nobody", "no such model"), ("broken", "cannot be used")])
def test_bad_models_are_refused_with_a_sentence(client, model, said):
    with pytest.raises(AppError, match=said):
        client.predict(handle_file(str(FACE)), model, api_name="/landmarks")


def test_bad_pictures_are_refused_with_a_sentence(client, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(AppError, match="not a picture"):
        client.predict(handle_file(str(text)), "big", api_name="/landmarks")


def test_a_request_without_a_picture_gets_no_other_one(client):
    with pytest.raises(TypeError, match="picture"):
        client.predict(model="big", api_name="/landmarks")


@pytest.mark.parametrize("path", ["/etc/passwd", __file__])
def test_files_of_the_server_are_not_served(address, path):
    assert httpx.get(f"{address}gradio_api/file={path}").status_code in (403, 404)


def test_of_the_project_itself_only_the_report_is_served(address):
    report = httpx.get(f"{address}leaderboard.html")
    assert report.headers["content-type"].startswith("text/html")
    assert "<table" in report.text
    for path in (REPORT, ROOT / "docs" / "api.md", ROOT / "app.py", ROOT / "exported" / "index.json"):
        assert httpx.get(f"{address}gradio_api/file={path}").status_code == 403


def test_twenty_visitors_get_their_own_results(address, tmp_path):
    """Every visitor sends a picture of another size, and gets an result about that size."""

    def visit(number: int) -> tuple[int, int]:
        path = tmp_path / f"{number}.png"
        path.write_bytes(encoded(Image.new("RGB", (100 + number, 90)), "PNG"))
        result = connect(address).predict(handle_file(str(path)), "small", api_name="/landmarks")
        return number, result["width"] - 100

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(visit, range(20)))
    assert all(number == width for number, width in results)
