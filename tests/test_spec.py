import dataclasses
import json

import pytest

from fkp.errors import SpecError
from fkp.spec import ModelSpec, Validation

SPEC = ModelSpec(
    name="small",
    scheme="ibug68",
    input_size=(112, 96),
    margin=1.3,
    summary="a test",
    source="nowhere",
    training_data={"ibug-train": 1566},
    parameters=12,
    multiply_adds=34,
    validation=Validation("ibug-val", "NME", 4.5),
    licence="research",
    created="2026-01-01",
    versions={"torch": "2"},
)


def changed(**changes) -> str:
    """The spec's JSON with other values; None takes a field out."""
    values = json.loads(SPEC.to_json()) | changes
    return json.dumps({name: value for name, value in values.items() if value is not None})


@pytest.mark.parametrize("spec", [SPEC, dataclasses.replace(SPEC, validation=None)])
def test_round_trip(spec):
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_fields_of_newer_versions_are_passed_over():
    assert ModelSpec.from_json(changed(color="blue")) == SPEC


def test_optional_fields_have_defaults():
    assert ModelSpec.from_json(changed(licence=None, parameters=None)).parameters == 0


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]", "null", "3"])
def test_what_is_no_spec_is_refused(text):
    with pytest.raises(SpecError, match="cannot be read"):
        ModelSpec.from_json(text)


@pytest.mark.parametrize("name", ["name", "scheme", "input_size", "margin", "summary", "source"])
def test_a_missing_field_is_named(name):
    with pytest.raises(SpecError, match=name):
        ModelSpec.from_json(changed(**{name: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 5},
        {"scheme": ["ibug68"]},
        {"input_size": 112},
        {"input_size": [112]},
        {"input_size": ["wide", "high"]},
        {"input_size": [float("inf"), 1]},
        {"margin": "wide"},
        {"validation": {"dataset": "x"}},
        {"validation": 3},
    ],
)
def test_fields_of_the_wrong_kind_are_refused(changes):
    with pytest.raises(SpecError, match="cannot be read"):
        ModelSpec.from_json(changed(**changes))


@pytest.mark.parametrize(
    "changes", [{"input_size": [0, 112]}, {"input_size": [-5, 5]}, {"margin": 0}, {"margin": float("nan")}]
)
def test_impossible_values_are_refused(changes):
    with pytest.raises(SpecError, match="impossible"):
        ModelSpec.from_json(changed(**changes))
