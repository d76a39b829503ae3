import dataclasses
import json

import pytest

from fkp.errors import SpecError
from fkp.spec import DetectorSpec, ModelSpec, Validation

SPEC = ModelSpec(
    name="small",
    scheme="ibug68",
    input_size=(112, 96),
    margin=1.3,
    summary="a test",
    source="nowhere",
    series="course-reports",
    precision="int8",
    training_data={"ibug-train": 1566},
    parameters=12,
    multiply_adds=34,
    validation=Validation("ibug-val", "NME", 4.5, 7),
    license="research",
    created="2026-01-01",
    versions={"torch": "2"},
)
DETECTOR = DetectorSpec(
    name="detector", summary="a test", source="nowhere", threshold=0.5, step=32, training_data={"faces": 3},
    parameters=1, multiply_adds=2, recall=Validation("ibug-val", "recall", 0.9), license="research",
    created="2026-01-01", versions={}, revision="unknown",
)  # fmt: skip


def changed(spec: ModelSpec | DetectorSpec = SPEC, **changes) -> str:
    """The spec's JSON with other values; None takes a field out."""
    values = json.loads(spec.to_json()) | changes
    return json.dumps({name: value for name, value in values.items() if value is not None})


@pytest.mark.parametrize("spec", [SPEC, dataclasses.replace(SPEC, validation=None), DETECTOR])
def test_round_trip(spec):
    assert type(spec).from_json(spec.to_json()) == spec


def test_the_license_keeps_its_key_in_the_json():
    assert json.loads(SPEC.to_json())["licence"] == "research"
    assert "license" not in json.loads(SPEC.to_json())


def test_fields_of_newer_versions_are_passed_over():
    assert ModelSpec.from_json(changed(color="blue")) == SPEC


def test_optional_fields_have_defaults():
    spec = ModelSpec.from_json(changed(licence=None, parameters=None, series=None, precision=None))
    assert (spec.parameters, spec.series, spec.precision) == (0, "", "fp32")


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[" * 50_000, '{"a":' * 15_000, "9" * 5000, " " * 200_000, "[1, 2]", "null", "3"],
)
@pytest.mark.parametrize("kind", [ModelSpec, DetectorSpec])
def test_what_is_no_spec_is_refused(text, kind):
    with pytest.raises(SpecError, match="its description"):
        kind.from_json(text)


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
        {"input_size": [112, 96, 3]},
        {"input_size": ["wide", "high"]},
        {"input_size": [float("inf"), 1]},
        {"input_size": [112.5, 96]},
        {"margin": "wide"},
        {"margin": True},
        {"margin": 10**400},
        {"margin": float("nan")},
        {"summary": "two\nlines"},
        {"summary": "\ud800"},
        {"source": {}},
        {"series": 3},
        {"precision": "fp64"},
        {"precision": ["fp32"]},
        {"training_data": ["ibug-train"]},
        {"training_data": {"ibug-train": "all"}},
        {"training_data": {"ibug-train": -1}},
        {"parameters": 1.5},
        {"multiply_adds": 10**30},
        {"validation": {"dataset": "x"}},
        {"validation": {"dataset": "x", "metric": "y", "value": "low"}},
        {"validation": {"dataset": "x", "metric": "y", "value": 3.0, "epoch": "last"}},
        {"validation": 3},
        {"licence": 3},
        {"versions": {"torch": 2}},
        {"revision": []},
    ],
)
def test_fields_of_the_wrong_type_are_refused_and_named(changes):
    with pytest.raises(SpecError, match=next(iter(changes))):
        ModelSpec.from_json(changed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../up"},
        {"name": ""},
        {"name": "n" * 101},
        {"scheme": "ibug5"},
        {"input_size": [0, 112]},
        {"input_size": [112, 100_000]},
        {"margin": 0},
        {"margin": 50},
        {"validation": {"dataset": "x", "metric": "y", "value": -1}},
    ],
)
def test_impossible_values_are_refused(changes):
    with pytest.raises(SpecError, match="its description has"):
        ModelSpec.from_json(changed(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"threshold": "high"}, {"threshold": 1.5}, {"step": 0}, {"step": 1.5}, {"recall": None}, {"recall": 3}],
)
def test_detectors_are_checked_too(changes):
    with pytest.raises(SpecError, match=next(iter(changes))):
        DetectorSpec.from_json(changed(DETECTOR, **changes))
