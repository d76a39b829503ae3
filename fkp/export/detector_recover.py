"""From an exported detector back to a run from which training can continue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fkp.errors import RunError
from fkp.export.recover import open_exported, restore
from fkp.spec import DETECTOR_OUTPUT_NAMES, INPUT_NAME, DetectorSpec
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.run import Run, Weights

_LIMIT = 1e-2  # largest difference of a score from the file's


def recover_detector(
    recipe: DetectorRecipe, path: Path, scenes: Iterable[NDArray[np.uint8]], run: Run
) -> float:
    """Write the weights of an exported detector as those of a finished run of `recipe`.

    Args:
        recipe: of the network in the file, whatever the file is called.
        path: the file.
        scenes: (side, side, 3), see `restore`; made only where the file can be recovered.
        run: where the weights go.

    Returns:
        the largest difference of the scores from the file's.

    Raises:
        RunError: there is no such file, it is of another network, the run holds weights already, or the
            recovered network predicts otherwise.
    """
    session, spec = open_exported(path, DetectorSpec.from_json, run)
    pictures = torch.from_numpy(np.stack(list(scenes)))
    detector = recipe.build()
    restore(detector, "detector", path, pictures)
    (scores,) = session.run(DETECTOR_OUTPUT_NAMES[1:], {INPUT_NAME: pictures.numpy()})
    with torch.inference_mode():
        difference = float(np.abs(scores - detector(pictures).logits.sigmoid().numpy()).max())
    if not difference < _LIMIT:
        raise RunError(f"the scores of the network recovered from {path} differ from it by {difference:.1e}")
    run.folder.mkdir(parents=True, exist_ok=True)
    run.save_weights(
        Weights(
            recipe=recipe.to_dict(), model=detector.state_dict(), training_data=dict(spec.training_data),
            validation=spec.recall.value, epoch=spec.recall.epoch or recipe.config.epochs,
            examples=pictures[:3], final=True,
        )
    )  # fmt: skip
    return difference
