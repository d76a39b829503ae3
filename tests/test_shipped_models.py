"""The shipped 68-point files on one public picture: what breaks their accuracy, on any CPU, shows here."""

from pathlib import Path

import numpy as np
import pytest

from fkp.images import load_image
from fkp.runtime.landmarker import Landmarker
from fkp.schemes import IBUG68

ROOT = Path(__file__).parents[1]
BOX = [[180.0, 87.6, 271.6, 178.4]]
# Where the shipped files put the points, to a tenth of a pixel: the mean over base and tiny.
# fmt: off
EXPECTED = np.array(
    [
        [180.4, 100.7], [180.3, 113.8], [181.6, 125.5], [182.6, 137.6], [185.5, 149.6], [191.9, 160.1],
        [200.2, 168.5], [209.9, 175.7], [221.7, 178.2], [233.3, 176.8], [244.1, 170.9], [254.1, 162.9],
        [261.6, 153.0], [266.3, 141.5], [269.0, 130.0], [270.9, 117.9], [271.2, 105.4], [186.5, 92.0],
        [192.9, 88.1], [201.1, 87.6], [208.8, 89.1], [216.4, 92.6], [235.7, 93.2], [244.1, 90.8],
        [251.8, 90.4], [259.6, 92.1], [265.7, 97.3], [225.3, 102.4], [225.0, 110.8], [225.0, 119.1],
        [225.0, 127.5], [214.6, 130.7], [219.2, 132.6], [224.0, 134.5], [229.2, 132.9], [233.9, 131.6],
        [195.7, 101.0], [200.9, 98.2], [207.4, 98.8], [212.4, 103.4], [206.5, 104.2], [200.1, 103.9],
        [237.9, 104.9], [243.6, 100.8], [250.1, 100.9], [255.3, 104.4], [250.3, 106.4], [243.7, 106.3],
        [202.0, 139.2], [210.1, 138.8], [218.1, 139.1], [223.7, 140.8], [229.6, 139.8], [237.8, 139.7],
        [245.6, 140.5], [237.9, 151.3], [229.6, 155.9], [223.2, 156.5], [216.9, 155.3], [208.9, 149.7],
        [204.3, 140.2], [218.0, 142.5], [223.6, 143.6], [229.4, 143.1], [243.2, 141.4], [229.1, 150.3],
        [223.2, 150.7], [217.6, 149.9],
    ]
)
# fmt: on
WORST = 1.5  # mean distance in percent of the inter-ocular distance


@pytest.mark.parametrize("size", ["large", "base", "tiny"])
@pytest.mark.parametrize("kind", ["", "-int8"])
def test_points_are_where_they_were(size, kind):
    image = load_image(ROOT / "demo" / "examples" / "eileen-collins.jpg")
    outputs = Landmarker(ROOT / "exported" / f"fkp68-{size}{kind}.onnx", "cpu", threads=1).predict_all(
        image, BOX
    )
    right, left = IBUG68.outer_eye_corners
    scale = np.linalg.norm(EXPECTED[left] - EXPECTED[right])
    distance = np.linalg.norm(outputs.points[0] - EXPECTED, axis=1).mean() / scale * 100
    assert distance < WORST
    assert outputs.scores.mean() > 0.7
    assert outputs.visible.mean() > 0.8
