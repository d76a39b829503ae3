"""`python -m fkp data asymmetry`"""

import numpy as np
import pytest

from fkp.__main__ import main


@pytest.mark.usefixtures("workspace")
def test_every_training_part_of_the_model_s_scheme_has_a_row(capsys):
    assert main(["data", "asymmetry", "--model", "all68", "--most", "40"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert "percent of the inter-ocular distance" in header
    names = [row.split()[0] for row in rows]
    assert {"ibug-train", "merl-rav-train", "cfp-train", "ytf-train"} <= set(names)
    assert not any(name.endswith(("-val", "-test")) for name in names)
    figures = np.array([row.split()[1:] for row in rows], float)
    assert np.isfinite(figures[:, 0]).all()
    assert "afw" in names
