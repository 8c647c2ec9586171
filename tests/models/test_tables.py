import dataclasses

import numpy as np
import pytest

from cyclegan_keras import layers
from cyclegan_keras.models.base import INITIALIZERS
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import (
    DISCRIMINATORS,
    GENERATORS,
    build_discriminator,
    build_generator,
)

CHOICES = {
    field.name: field.metadata.get("choices") for field in dataclasses.fields(NetworkOptions)
}


def test_the_options_know_every_name():
    assert set(CHOICES["generator"]) == set(GENERATORS)
    assert set(CHOICES["discriminator"]) == set(DISCRIMINATORS)
    assert set(CHOICES["norm"]) == set(layers.NORMS)
    assert set(CHOICES["padding"]) == set(layers.PADDINGS)
    assert set(CHOICES["init_type"]) == set(INITIALIZERS)


def test_the_defaults_are_the_paper_s():
    options = NetworkOptions(generator="resnet_9blocks")
    assert build_generator(options).count_params() == 11_378_179
    assert build_discriminator(options).count_params() == 2_764_737


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_generator(generator):
    options = NetworkOptions(generator=generator, ngf=2, dropout=True, antialias=True)
    model = build_generator(options, "generator_g", input_channels=1, output_channels=4)
    assert model.name == "generator_g"
    assert model.option_name == generator
    side = -(-model.smallest_size // model.size_multiple) * model.size_multiple
    assert model(np.zeros((1, side, side, 1))).shape == (1, side, side, 4)
    copy = type(model).from_config(model.get_config())
    assert [v.shape for v in copy.variables] == [v.shape for v in model.variables]


@pytest.mark.parametrize("name", ["resnet_0blocks", "resnet_11blocks", "unet_4", "unet_512"])
def test_generators_of_any_depth(name):
    """Runs may have what cannot be typed."""
    assert build_generator(NetworkOptions(generator=name, ngf=1)).option_name == name


@pytest.mark.parametrize("name", ["resnet_blocks", "resnet_-1blocks", "unet_2", "unet_96", "basic"])
def test_no_other_generators(name):
    with pytest.raises(ValueError, match=f"no generator '{name}': expected resnet_<n>blocks"):
        build_generator(NetworkOptions(generator=name))


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_every_discriminator(discriminator):
    options = NetworkOptions(discriminator=discriminator, ndf=2, n_layers=2)
    model = build_discriminator(options, "discriminator_x", input_channels=6)
    assert model.name == "discriminator_x"
    assert model.option_name == discriminator
    side = model.smallest_size
    logits = model(np.zeros((1, side, side, 6)))
    last = logits[-1] if isinstance(logits, list) else logits
    assert last.shape == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("name", "biases"),
    [
        ("resnet_3blocks", 1),  # the last convolution
        ("unet_64", 1),
        ("n_layers", 2),  # the first and the last
        ("pixel", 1),  # the first
        ("multiscale", 4),
    ],
)
def test_without_a_norm_biases_are_left_out_but_at_the_ends(name, biases):
    kind = "generator" if name in GENERATORS else "discriminator"
    build = build_generator if name in GENERATORS else build_discriminator
    small = {kind: name, "ngf": 1, "ndf": 1, "n_layers": 2, "norm": "none"}
    network = build(NetworkOptions(**small, use_bias=False))
    assert sum(variable.name == "bias" for variable in network.variables) == biases
    config = network.get_config()
    copy = type(network).from_config(config)
    assert [v.shape for v in copy.variables] == [v.shape for v in network.variables]
    # Files that do not say are from before there was a choice: everything has a bias.
    del config["use_bias"]
    earlier = type(network).from_config(config)
    biased = build(NetworkOptions(**small, use_bias=True))
    assert [v.shape for v in earlier.variables] == [v.shape for v in biased.variables]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"generator": "unet_256", "upsample": "resize"}, "--upsample is for ResNet generators"),
        ({"generator": "unet_128", "antialias_up": True}, "--antialias_up is for ResNet"),
        ({"antialias_up": True, "upsample": "resize"}, "two ways of doubling sizes"),
    ],
)
def test_options_that_do_not_go_together(options, words):
    with pytest.raises(ValueError, match=words):
        NetworkOptions(**options)


def test_n_layers_is_for_n_layers():
    basic = build_discriminator(NetworkOptions(ndf=2, n_layers=5))
    chosen = build_discriminator(NetworkOptions(ndf=2, n_layers=5, discriminator="n_layers"))
    assert (basic.n_layers, chosen.n_layers) == (3, 5)


@pytest.mark.parametrize(("name", "blocks"), [("resnet_9blocks", 9), ("resnet_6blocks", 6)])
def test_number_of_blocks(name, blocks):
    model = build_generator(NetworkOptions(generator=name, ngf=2))
    count = sum(isinstance(layer, layers.ResidualBlock) for layer in model.layers)
    assert count == blocks
