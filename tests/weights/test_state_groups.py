import numpy as np
import pytest

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.layouts import LAYOUTS
from cyclegan_keras.weights.state_groups import find_networks

RESNET = {
    "input_channels": 3,
    "output_channels": 3,
    "ngf": 1,
    "n_blocks": 1,
    "norm": "instance",
    "dropout": False,
    "antialias": False,
    "antialias_up": False,
    "upsample": "transpose",
}
PATCH = {"input_channels": 3, "ndf": 1, "n_layers": 2, "norm": "instance", "antialias": False}
KINDS = {
    "resnet": (ResNetGenerator, RESNET),
    "resnet, resize": (ResNetGenerator, {**RESNET, "upsample": "resize_zero"}),
    "unet": (
        UNetGenerator,
        {"input_channels": 3, "output_channels": 3, "ngf": 1, "n_downs": 3, "norm": "batch"},
    ),
    "patch": (PatchDiscriminator, PATCH),
    "pixel": (PixelDiscriminator, {"input_channels": 3, "ndf": 1, "norm": "instance"}),
}


def state(kind="resnet"):
    network, config = KINDS[kind]
    return {
        entry.key: np.zeros(entry.shape, "float32") if entry.constant is None else entry.constant
        for entry in LAYOUTS[network](config)
    }


def under(prefix, arrays):
    return {prefix + key: array for key, array in arrays.items()}


ONE = np.zeros((), "float32")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("", ""),
        ("module.", ""),
        ("_orig_mod.", ""),
        ("netG.", "netG"),
        ("generator_A2B.", "generator_A2B"),
        ("netG.module.", "netG"),
        ("module.netG._orig_mod.", "netG"),
        ("_forward_module.nets.G.", "nets.G"),
        ("model.", "model"),
        ("net.", "net"),
        ("model.net.", "model.net"),
    ],
)
def test_a_network_is_found_under_its_prefix(kind, prefix, name):
    loose = {"step": ONE, "criterion.weight": ONE, "vgg.features.0.weight": np.zeros((4, 3, 3, 3))}
    found = find_networks({"": {**loose, **under(prefix, state(kind))}})
    assert list(found.states) == [name]
    assert list(found.states[name]) == list(state(kind))
    assert not found.differing


@pytest.mark.parametrize(
    ("dicts", "names"),
    [
        ({"": {**under("G_A.", state()), **under("G_B.", state())}}, ["G_A", "G_B"]),
        ({"": {**under("nets.G.", state()), **under("nets.D.", state("patch"))}}, ["G", "D"]),
        ({"state_dict": under("G.", state()), "optimizer.0": {"exp_avg": ONE}}, ["state_dict.G"]),
        ({"state_dict": {**under("G.", state()), **under("F.", state())}}, ["G", "F"]),
        ({"G": state(), "G_ema": {**under("module.", state()), "n_averaged": ONE}}, ["G", "G_ema"]),
        ({"": state(), "ema": state()}, ["root", "ema"]),
        ({"": {**state(), **under("ema.", state())}}, ["root", "ema"]),
        ({"": state(), "root": state()}, ["root_2", "root"]),
        ({"": {**state(), **state("pixel")}}, ["root", "net"]),
        ({"G": state(), "": under("G.", state())}, ["G", "G.model"]),
        (
            {"": {**under("model.", state()), **under("ema_model.", state())}},
            ["model", "ema_model"],
        ),
        ({"a.G": state(), "b.G": state()}, ["a.G", "b.G"]),
        ({"": under("0.", state())}, ["0"]),
    ],
)
def test_names_say_where_a_network_lies_and_no_more(dicts, names):
    assert list(find_networks(dicts).states) == names


def test_what_differs_does_not_hide_the_others():
    arrays = {**under("G.", state()), **under("D.", state("patch"))}
    arrays["D.model.11.bias"] = ONE
    found = find_networks({"": arrays})
    assert list(found.states) == ["G"]
    assert "unknown: model.11.bias" in found.differing["D"]


@pytest.mark.parametrize("prefix", ["", "netG.", "module.nets.G."])
def test_what_lies_beside_a_networks_own_arrays_is_told(prefix):
    beside = {"extra.weight": ONE, "head.0.bias": ONE, "scale": ONE}
    (keys,) = find_networks({"": under(prefix, {**beside, **state()})}).beside.values()
    assert sorted(keys) == sorted(beside)
    apart = {**under("netG.", state()), **under("ema.", state()), "loss.weight": ONE, "step": ONE}
    assert not find_networks({"": apart}).beside


def test_a_discriminator_called_model_is_no_unet():
    """Their first keys are the same."""
    found = find_networks({"": under("model.", state("patch"))})
    assert list(found.states["model"]) == list(state("patch"))
    assert not found.differing


def test_wrappers_stay_where_two_networks_would_become_one():
    found = find_networks({"": {**under("G.", state()), **under("G.module.", state())}})
    assert list(found.states) == ["G", "G.module"]


@pytest.mark.parametrize("key", ["." * 300, "a." * 150, "model." * 50, ""])
def test_odd_keys(key):
    assert not find_networks({"": {key: ONE}}).states
