"""Every kind of bad, odd and hostile input has its right outcome."""

from __future__ import annotations

import pytest

from hardening.kinds import Kind
from hardening.table import all_kinds

KINDS = all_kinds()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: ascii(f"{kind.area}: {kind.name}"))
def test_the_outcome_is_right(kind: Kind, tmp_path):
    outcome = kind.outcome(tmp_path)
    assert kind.is_right(outcome), outcome


def test_the_table_is_long_and_names_each_kind_once():
    assert len(KINDS) >= 200
    assert len({(kind.area, kind.name) for kind in KINDS}) == len(KINDS)
