"""Twenty callers at once get their own results, and the memory stays as it is."""

from __future__ import annotations

from hardening.load import CALLERS, measure


def test_every_caller_gets_its_own_result_and_memory_stays():
    load = measure(rounds=3)
    assert load.requests == 3 * CALLERS
    assert load.wrong == 0
    assert load.growth < 100e6
