import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator


def test_a_logit_sees_one_pixel():
    discriminator = PixelDiscriminator(ndf=4, norm="none", init_gain=0.5)
    images = tf.Variable(np.random.default_rng(0).normal(size=(1, 7, 9, 3)), dtype="float32")
    with tf.GradientTape() as tape:
        logit = discriminator(images)[0, 3, 4, 0]
    gradient = np.abs(tape.gradient(logit, images)[0]).sum(axis=-1)
    assert np.argwhere(gradient).tolist() == [[3, 4]]


def test_layers():
    discriminator = PixelDiscriminator(6, 4)
    assert discriminator.compute_output_shape((2, 5, 7, 6)) == (2, 5, 7, 1)
    # 6*4+4, 4*8+8, 8*1+1
    assert discriminator.count_params() == 28 + 40 + 9
    assert discriminator.smallest_size == 1
    assert discriminator(np.zeros((1, 1, 1, 6))).shape == (1, 1, 1, 1)


def test_biases_with_batch_norm():
    discriminator = PixelDiscriminator(ndf=2, norm="batch")
    convs = [v for v in discriminator.layers if isinstance(v, keras.layers.Conv2D)]
    assert [conv.use_bias for conv in convs] == [True, False, False]


def test_round_trip(tmp_path):
    discriminator = PixelDiscriminator(1, 2, "none", "orthogonal", 0.1, name="discriminator_x")
    discriminator.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    assert type(loaded) is PixelDiscriminator
    assert loaded.get_config() == discriminator.get_config()
    x = np.random.default_rng(0).normal(size=(1, 6, 5, 1))
    np.testing.assert_array_equal(loaded(x), discriminator(x))


@pytest.mark.parametrize("arguments", [{"ndf": 0}, {"input_channels": 0}, {"norm": "layer"}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="Received: " + next(iter(arguments))):
        PixelDiscriminator(**arguments)
