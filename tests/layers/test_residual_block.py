import keras
import numpy as np
import pytest

from cyclegan_keras.layers import ResidualBlock


def picture(channels=4, size=6):
    values = np.random.default_rng(0).normal(size=(2, size, size, channels))
    return values.astype("float32")


def test_zero_kernels_leave_the_input():
    x = picture()
    y = ResidualBlock(4, kernel_initializer="zeros")(x)
    np.testing.assert_array_equal(y, x)  # with negative values: no ReLU after the sum


def test_is_the_input_plus_its_parts():
    block = ResidualBlock(4)
    x = picture()
    y = block(x)
    inner = block.norm_1(block.conv_1(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")))
    inner = np.pad(np.maximum(inner, 0), ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    np.testing.assert_allclose(y, x + block.norm_2(block.conv_2(inner)), atol=1e-6)


def test_zero_padding_differs_at_the_border_only_before_norm():
    block = ResidualBlock(4, norm="none", padding="zero")
    mirrored = ResidualBlock(4, norm="none")
    mirrored.build((None, None, None, 4))
    block.build((None, None, None, 4))
    mirrored.set_weights(block.get_weights())
    difference = abs(np.array(block(picture()) - mirrored(picture()))).max(axis=(0, 3))
    assert (difference[2:-2, 2:-2] == 0).all()
    assert (difference[0] > 0).all()


def test_dropout_only_in_training():
    block = ResidualBlock(4, dropout=True)
    x = picture()
    np.testing.assert_array_equal(block(x), block(x, training=False))
    assert abs(np.array(block(x, training=True) - block(x))).max() > 1e-3
    assert abs(np.array(block(x, training=True) - block(x, training=True))).max() > 1e-3


@pytest.mark.parametrize(("norm", "biased"), [("instance", True), ("batch", False), ("none", True)])
def test_biases_and_batch_norm(norm, biased):
    block = ResidualBlock(4, norm=norm)
    block.build((None, None, None, 4))
    assert block.conv_1.use_bias is block.conv_2.use_bias is biased
    if norm == "batch":
        assert (block.norm_1.momentum, block.norm_1.epsilon) == (0.9, 1e-5)


def test_the_two_kernels_differ():
    block = ResidualBlock(4, kernel_initializer=keras.initializers.RandomNormal(0, 0.02))
    block.build((None, None, None, 4))
    assert np.any(np.array(block.conv_1.kernel) != np.array(block.conv_2.kernel))


def test_mixed_precision_reaches_the_parts():
    block = ResidualBlock(4, dtype="mixed_float16")
    assert block(picture()).dtype == "float16"
    assert block.conv_1.kernel.dtype == "float32"


def test_round_trip(tmp_path):
    inputs = keras.Input((None, None, 4))
    block = ResidualBlock(
        4,
        norm="batch",
        padding="zero",
        dropout=True,
        kernel_initializer=keras.initializers.RandomNormal(0, 0.3),
        gamma_initializer=keras.initializers.RandomNormal(1, 0.1),
    )
    model = keras.Model(inputs, block(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == block.get_config()
    np.testing.assert_array_equal(model(picture()), loaded(picture()))


def test_bad_arguments():
    with pytest.raises(ValueError, match="Received: norm='layer'"):
        ResidualBlock(4, norm="layer")
    with pytest.raises(ValueError, match="Received: padding='same'"):
        ResidualBlock(4, padding="same")
    with pytest.raises(ValueError, match="Received: filters=0"):
        ResidualBlock(0)
    with pytest.raises(ValueError, match="Received: input_shape="):
        ResidualBlock(8)(picture(channels=4))
