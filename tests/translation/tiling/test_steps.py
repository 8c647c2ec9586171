import pytest

from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.translation.tiling import rules
from cyclegan_keras.translation.tiling.steps import steps_of


def test_steps_stand_behind_their_inputs():
    for network in (ResNetGenerator(ngf=2, n_blocks=2), UNetGenerator(ngf=2, n_downs=3)):
        steps = steps_of(network)
        for number, step in enumerate(steps):
            assert all(source in steps[:number] for source in step.inputs)
        assert steps[-1].channels == 3


@pytest.mark.parametrize("n_blocks", [0, 3])
def test_a_block_is_taken_apart(n_blocks):
    steps = steps_of(ResNetGenerator(ngf=2, n_blocks=n_blocks))
    sums = [step for step in steps if isinstance(step.rule, rules.Sum)]
    assert len(sums) == n_blocks
    assert all(step.is_stage for step in sums)


def test_what_a_norm_looks_at_is_a_stage():
    steps = steps_of(ResNetGenerator(ngf=2, n_blocks=1))
    norms = [step for step in steps if isinstance(step.rule, rules.PictureNorm)]
    assert len(norms) == 7  # stem, two down, two in the block, two up
    assert all(step.inputs[0].is_stage for step in norms)
