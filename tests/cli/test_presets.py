import pytest

from cyclegan_keras.cli import flags
from cyclegan_keras.cli.presets import METHOD_DEFAULTS, PRESET_DEFAULTS, defaults_of
from cyclegan_keras.commands import train
from cyclegan_keras.training.options import METHOD_OPTIONS


def resolved(method, *layers):
    groups = flags.groups_of(method, train.GROUPS, METHOD_OPTIONS)
    return flags.flatten(
        flags.resolve(groups, {"method": method, **METHOD_DEFAULTS[method]}, *layers)
    )


@pytest.mark.parametrize("name", PRESET_DEFAULTS)
def test_presets_are_valid_options(name):
    preset = PRESET_DEFAULTS[name]
    for method in [preset["method"]] if "method" in preset else METHOD_DEFAULTS:
        values = resolved(method, preset)
        assert {key: values[key] for key in preset} == preset


@pytest.mark.parametrize("name", {**METHOD_DEFAULTS, **PRESET_DEFAULTS})
def test_sets_of_defaults_say_only_what_differs(name):
    """But for those that spell out, and for what sets a data set's own apart."""
    if name in ("paper", "demo", "scans"):
        return
    method = PRESET_DEFAULTS.get(name, {}).get("method", name)
    chosen = PRESET_DEFAULTS.get(name) or METHOD_DEFAULTS[name]
    plain = resolved("cyclegan") if name in METHOD_DEFAULTS else resolved(method)
    own = flags.flatten({"own": METHOD_OPTIONS[method]()})
    for option, value in chosen.items():
        assert option == "method" or value != {**own, **plain}[option], option


def test_every_method_has_its_defaults():
    assert METHOD_DEFAULTS.keys() == METHOD_OPTIONS.keys()


def test_paper_spells_out_the_defaults():
    defaults = resolved("cyclegan")
    automatic = {"generator": "resnet_9blocks", "load_size": 286, "crop_size": 256}
    for name, value in PRESET_DEFAULTS["paper"].items():
        assert value == (automatic[name] if defaults[name] is None else defaults[name]), name


@pytest.mark.parametrize("name", ["demo", "scans", "houses"])
def test_demos_need_no_other_flag(name):
    assert PRESET_DEFAULTS[name]["dataset"].startswith("demo/")


@pytest.mark.parametrize("typed", [{"upsample": "resize"}, {"generator": "unet_64"}])
def test_what_contradicts_a_typed_flag_gives_way(typed):
    assert "antialias_up" in defaults_of("cut", {"generator": "resnet_9blocks"})
    assert "antialias_up" not in defaults_of("cut", typed)
    assert METHOD_DEFAULTS["cut"]["antialias_up"]
