"""Every name that --help offers leads somewhere, and everything in a table can be named."""

import dataclasses

import pytest

from cyclegan_keras import evaluation, losses, metrics, models, presets, runs, trainers
from cyclegan_keras.evaluation.best import SelectionOptions
from cyclegan_keras.export import ExportOptions
from cyclegan_keras.inference import FORMATS, TranslateOptions
from pipelines import sources
from pipelines.options import DataOptions
from pipelines.presets import PRESETS

OPTIONS = (
    *(DataOptions, models.NetworkOptions, runs.RunOptions, trainers.OptimizerOptions),
    *(evaluation.EvaluationOptions, SelectionOptions, ExportOptions, TranslateOptions),
    *trainers.METHOD_OPTIONS.values(),
)
TABLES = {
    "features": metrics.FEATURES,
    "gan_mode": losses.ADVERSARIAL,
    "generator": models.GENERATORS,
    "discriminator": models.DISCRIMINATORS,
    "lr_policy": trainers.SCHEDULES,
    "method": trainers.TRAINERS,
    "preset": presets.PRESETS,
    "preprocess": PRESETS,
}


def _field(name, *options):
    rooms = options or OPTIONS
    return next(f for room in rooms for f in dataclasses.fields(room) if f.name == name)


@pytest.mark.parametrize("name", TABLES)
def test_choices_are_the_table(name):
    assert set(_field(name).metadata["choices"]) == set(TABLES[name])


def test_every_method_has_options():
    assert trainers.METHOD_OPTIONS.keys() == trainers.TRAINERS.keys()


def test_every_source_names_its_sets():
    assert sources.NAMES.keys() == sources.SOURCES.keys()


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.__name__)
def test_every_option_explains_itself(options):
    assert all(field.metadata["help"] for field in dataclasses.fields(options))


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_presets_set_known_options(preset):
    for name in presets.PRESETS[preset]:
        assert _field(name)


def test_every_metric_is_told_of():
    about = _field("metrics").metadata["help"]
    assert all(name in about for name in metrics.METRICS)


def test_every_format_that_is_offered_can_be_written():
    assert all(
        f".{ending}" in FORMATS for ending in _field("format", TranslateOptions).metadata["choices"]
    )
