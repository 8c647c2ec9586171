import numpy as np
import pytest

from cyclegan_keras.models.multiscale_discriminator import MultiscaleDiscriminator
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator


def test_every_patch_size_is_judged_by_a_patch_discriminator():
    discriminator = MultiscaleDiscriminator(ndf=2, n_layers=3, antialias=True)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 48, 40, 3)).astype("float32")
    logits = discriminator(picture)
    assert len(logits) == 3
    for number, each in enumerate(logits, start=1):
        alone = PatchDiscriminator(ndf=2, n_layers=number, antialias=True)
        alone.set_weights(discriminator.get_layer(f"layers_{number}").get_weights())
        np.testing.assert_allclose(each, alone(picture), atol=1e-6)


def test_the_smallest_picture_is_that_of_the_largest_patches():
    discriminator = MultiscaleDiscriminator(ndf=1, n_layers=4, norm="none")
    side = discriminator.smallest_size
    assert side == PatchDiscriminator(ndf=1, n_layers=4).smallest_size
    assert discriminator(np.zeros((1, side, side, 3)))[-1].shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match="at least"):
        discriminator(np.zeros((1, side - 1, side, 3)))


def test_no_weights_are_shared_and_config_makes_the_same():
    discriminator = MultiscaleDiscriminator(ndf=2, n_layers=2, input_channels=6, name="d")
    assert len({id(v) for v in discriminator.variables}) == len(discriminator.variables)
    copy = MultiscaleDiscriminator.from_config(discriminator.get_config())
    assert [v.shape for v in copy.variables] == [v.shape for v in discriminator.variables]
    assert copy.get_config() == discriminator.get_config()
