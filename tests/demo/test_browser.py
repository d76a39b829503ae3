"""The demo in Chromium: a picture, other models, files to take home, and the camera."""

from __future__ import annotations

import base64
import io
import json
import shutil

import numpy as np
import pytest
from demo_server import FACE, face_frames, running, save_camera, save_models
from PIL import Image

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
PATIENCE = 30_000  # ms, for a busy machine


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    save_models(folder)
    camera = save_camera(folder / "camera.y4m", face_frames(1) * 30)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    flags += [f"--use-file-for-fake-video-capture={camera}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_MODELS", str(folder))
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        with running() as address, sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
            page = browser.new_page(permissions=["camera"], viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE)
            sync_api.expect.set_options(timeout=PATIENCE)
            page.goto(address)
            yield page
            browser.close()


def clear(page) -> None:
    """Take the picture away."""
    page.locator("#picture").get_by_label("Remove Image").click()


def choose(page, model: str) -> None:
    """Choose a model on the tab that is open."""
    page.locator(".fkp-model:visible input").click()
    page.get_by_role("option", name=model).click()


def live_picture(page) -> np.ndarray:
    """The picture that the camera's tab shows."""
    source = page.locator("#live-overlay img").get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))).astype(int)


def test_the_example_is_shown_at_once(page):
    sync_api.expect(page.locator("#message")).to_contain_text("1 face, 68 points")
    assert page.locator("#overlay img").get_attribute("src")


def test_an_upload_is_drawn_and_models_can_be_switched(page, tmp_path):
    upload = tmp_path / "upload.png"
    Image.open(FACE).resize((700, 700)).save(upload)
    clear(page)
    page.locator("#picture input[type=file]").set_input_files(upload)
    sync_api.expect(page.locator("#message")).to_contain_text("700 x 700 pixels")
    choose(page, "middle")
    sync_api.expect(page.locator("#message")).to_contain_text("58 points")
    page.locator("#styles").get_by_label("Face box").check()


def test_downloads_hold_what_is_shown(page):
    button = page.locator("#get-json").first
    sync_api.expect(button).to_be_enabled()
    for _ in range(10):  # the links follow the message by a moment
        with page.expect_download() as download:
            button.click()
        result = json.loads(download.value.path().read_text())
        if result["model"] == "middle":
            break
        page.wait_for_timeout(300)
    assert result["model"] == "middle"
    assert len(result["faces"][0]["points"]) == 58


def test_a_text_file_gets_a_sentence(page, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    clear(page)
    sync_api.expect(page.locator("#message")).to_contain_text("Choose a picture")
    page.locator("#picture input[type=file]").set_input_files(text)
    sync_api.expect(page.locator("#message")).to_contain_text("not a picture")


def test_the_camera_shows_landmarks_and_its_model_can_change(page):
    page.get_by_role("tab", name="Webcam").click()
    page.get_by_text("Click to Access Webcam").click()
    page.locator("#camera").get_by_text("Record").click()
    figures = sync_api.expect(page.locator("#live-figures"))
    figures.to_contain_text("1 face")
    drawn = live_picture(page)
    for style in ("Points", "Outlines"):
        page.locator("#live-styles").get_by_label(style).evaluate("box => box.click()")
    for _ in range(20):  # the styles reach the camera's picture by a moment later
        page.wait_for_timeout(300)
        # The fake camera shows one still picture, so what differs are the landmarks.
        changed = (np.abs(drawn - live_picture(page)).max(axis=2) > 60).sum()
        if changed > 50:
            break
    assert changed > 50
    choose(page, "small")
    figures.to_contain_text("1 point")
    page.locator("#camera").get_by_text("Stop").click()
