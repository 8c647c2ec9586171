import pytest

import train
from cyclegan_keras import flags
from cyclegan_keras.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_options(name):
    values = flags.flatten(flags.resolve(train.GROUPS, PRESETS[name]))
    assert {key: values[key] for key in PRESETS[name]} == PRESETS[name]


def test_every_preset_can_be_asked_for():
    assert set(flags.fields(train.GROUPS)["preset"].metadata["choices"]) == set(PRESETS)


def test_paper_spells_out_the_defaults():
    defaults = flags.flatten(flags.resolve(train.GROUPS))
    automatic = {"generator": "resnet_9blocks", "load_size": 286, "crop_size": 256}
    for name, value in PRESETS["paper"].items():
        assert value == (automatic[name] if defaults[name] is None else defaults[name]), name


def test_demo_needs_no_other_flag():
    assert PRESETS["demo"]["dataset"].startswith("demo/")
