import json

import numpy as np
import pytest
from made_runs import make_run

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.networks import networks_of_run

HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)


def generator(input_channels, output_channels):
    return ResNetGenerator(
        ngf=2, n_blocks=3, input_channels=input_channels, output_channels=output_channels
    )


def same(first, second):
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_networks_have_the_channels_that_the_run_says(tmp_path):
    made = {
        "generator_g": generator(4, 1),
        "generator_f": generator(1, 4),
        "discriminator_x": PatchDiscriminator(input_channels=4, ndf=2),
        "discriminator_y": PatchDiscriminator(input_channels=1, ndf=2),
    }
    run = make_run(tmp_path, made, input_nc=4, output_nc=1, ndf=2)
    networks = networks_of_run(run).networks
    assert networks.keys() == made.keys()
    for name, network in networks.items():
        assert network.input_shape[-1] == made[name].input_shape[-1], name
        assert network.output_shape[-1] == made[name].output_shape[-1], name
        assert same(network, made[name]), name


@pytest.mark.parametrize("options", [{}, {"input_nc": None, "output_nc": None}])
def test_a_run_that_does_not_say_has_as_many_as_its_kernels(options, tmp_path):
    run = make_run(tmp_path, {"generator_g": generator(1, 1)}, **options)
    network = networks_of_run(run).networks["generator_g"]
    assert (network.input_shape[-1], network.output_shape[-1]) == (1, 1)
    assert network.description.reader_version == 1
    assert network.description.bit_depth == 8


def test_options_of_other_networks_than_the_checkpoint_are_a_sentence(tmp_path):
    run = make_run(tmp_path, {"generator_g": generator(3, 3)}, ngf=4)
    with pytest.raises(WeightsError, match=r"asks for generator_g/000/kernel of \(7, 7, 3, 4\)"):
        networks_of_run(run)


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_descriptions_hold_the_values_and_the_reader_of_the_run(direction, tmp_path):
    """x is the domain that the direction names first; facts.json is by A and B."""
    facts = {"values": {"A": Values().to_dict(), "B": HOUNSFIELD.to_dict()}}
    run = make_run(
        tmp_path,
        {"generator_g": generator(3, 1), "generator_f": generator(1, 3)},
        facts=json.loads(json.dumps(facts)),
        direction=direction,
        input_nc=3,
        output_nc=1,
        reader_version=2,
    )
    networks = networks_of_run(run).networks
    deep, plain = ("target", "source") if direction == "AtoB" else ("source", "target")
    g = networks["generator_g"].description
    f = networks["generator_f"].description
    values_of_g = {"source": g.source_values, "target": g.target_values}
    values_of_f = {"source": f.source_values, "target": f.target_values}
    assert values_of_g == {deep: HOUNSFIELD, plain: Values()}
    assert values_of_f == {plain: HOUNSFIELD, deep: Values()}
    assert (g.bit_depth, g.reader_version) == (f.bit_depth, f.reader_version) == (16, 2)
    assert (g.source_form.channels, g.target_form.channels) == (3, 1)
