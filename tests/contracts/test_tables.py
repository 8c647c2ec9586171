"""Every name that --help offers leads somewhere, and everything in a table can be named."""

import dataclasses

import pytest

from cyclegan_keras import losses
from cyclegan_keras.cli import presets
from cyclegan_keras.commands.check_data import CheckDataOptions
from cyclegan_keras.commands.compress_setup import PictureOptions
from cyclegan_keras.compression.options import CompressionOptions
from cyclegan_keras.data_doctor.options import DataCheckOptions
from cyclegan_keras.evaluation.best import SelectionOptions
from cyclegan_keras.evaluation.options import EvaluationOptions
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.metrics.features import FEATURES
from cyclegan_keras.metrics.table import METRICS
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import DISCRIMINATORS, GENERATORS
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training.optimizers import SCHEDULES
from cyclegan_keras.training.options import METHOD_OPTIONS, OptimizerOptions
from cyclegan_keras.training.table import TRAINERS
from cyclegan_keras.translation.options import TranslateOptions
from pipelines.options import DataOptions
from pipelines.preprocess import PREPROCESSING

OPTIONS = (
    CheckDataOptions,
    DataCheckOptions,
    CompressionOptions,
    PictureOptions,
    DataOptions,
    NetworkOptions,
    RunOptions,
    OptimizerOptions,
    EvaluationOptions,
    SelectionOptions,
    ExportOptions,
    TranslateOptions,
    *METHOD_OPTIONS.values(),
)
TABLES = {
    "features": FEATURES,
    "gan_mode": losses.ADVERSARIAL,
    "generator": GENERATORS,
    "discriminator": DISCRIMINATORS,
    "lr_policy": SCHEDULES,
    "method": TRAINERS,
    "preset": presets.PRESET_DEFAULTS,
    "preprocess": PREPROCESSING,
}


def _field(name, *classes):
    for options_class in classes or OPTIONS:
        for field in dataclasses.fields(options_class):
            if field.name == name:
                return field
    raise AssertionError(f"no option {name}")


@pytest.mark.parametrize("name", TABLES)
def test_choices_are_the_table(name):
    assert set(_field(name).metadata["choices"]) == set(TABLES[name])


def test_every_method_has_options():
    assert METHOD_OPTIONS.keys() == TRAINERS.keys()


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.__name__)
def test_every_option_explains_itself(options):
    assert all(field.metadata["help"] for field in dataclasses.fields(options))


@pytest.mark.parametrize("preset", presets.PRESET_DEFAULTS)
def test_presets_set_known_options(preset):
    for name in presets.PRESET_DEFAULTS[preset]:
        assert _field(name)


def test_help_names_every_metric():
    about = _field("metrics").metadata["help"]
    assert all(name in about for name in METRICS)


def test_every_format_that_is_offered_can_be_written():
    assert all(
        f".{ending}" in FORMATS for ending in _field("format", TranslateOptions).metadata["choices"]
    )
