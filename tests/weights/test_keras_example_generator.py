import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator


def picture(height=16, width=20, channels=3):
    values = np.random.default_rng(0).uniform(-1, 1, (1, height, width, channels))
    return values.astype("float32")


@pytest.mark.parametrize("groups", [1, -1])
def test_unknown_sizes_and_round_trip(tmp_path, groups):
    generator = KerasExampleGenerator(1, 2, 2, 1, groups, "generator_g")

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1))])
    def translate(images):
        return generator(images)

    generator.save(tmp_path / "generator_g.keras")
    loaded = keras.saving.load_model(tmp_path / "generator_g.keras")
    assert type(loaded) is KerasExampleGenerator
    assert loaded.get_config() == generator.get_config()
    for size in ((8, 8), (16, 12)):
        x = picture(*size, channels=1)
        y = generator(x)
        assert y.shape == (1, *size, 2)
        np.testing.assert_allclose(translate(x), y, atol=1e-5)
        np.testing.assert_array_equal(loaded(x), y)


def test_groups_tell_what_is_normalised_together():
    """One channel made ten times as large: an instance norm does not see it."""
    for groups, is_blind in ((1, False), (-1, True)):
        generator = KerasExampleGenerator(ngf=2, n_blocks=0, groups=groups)
        x, before = picture(), generator(picture())
        stem = generator.get_layer("stem_conv")
        kernel = np.array(stem.kernel) * 100  # far above epsilon
        stem.kernel.assign(kernel)
        before = generator(x)
        stem.kernel.assign(kernel * [10, 1])
        assert np.allclose(generator(x), before, atol=1e-3) == is_blind


def test_parameter_count_of_the_example():
    kernels = 7 * 7 * 3 * 64 * 2 + 9 * (64 * 128 + 128 * 256) * 2 + 18 * 9 * 256 * 256
    norms = 2 * (64 + 128 + 256 + 18 * 256 + 128 + 64)
    assert KerasExampleGenerator().count_params() == kernels + norms + 3


def test_every_weight_gets_a_gradient():
    generator = KerasExampleGenerator(ngf=2, n_blocks=1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((generator(picture()) - 0.5) ** 2)
    gradients = tape.gradient(loss, generator.trainable_variables)
    assert all(gradient is not None and np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("groups", [1, -1])
def test_mixed_precision_returns_float32(groups):
    keras.config.set_dtype_policy("mixed_float16")
    generator = KerasExampleGenerator(ngf=2, n_blocks=1, groups=groups)
    assert generator(picture()).dtype == "float32"


def test_sides_that_would_be_rounded():
    with pytest.raises(ValueError, match=r"multiples of 4\. Received: shape="):
        KerasExampleGenerator(ngf=2, n_blocks=0)(picture(18, 16))


@pytest.mark.parametrize(
    "arguments",
    [{"ngf": 0}, {"n_blocks": -1}, {"input_channels": 1.5}, {"output_channels": 0}, {"groups": 2}],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="Received: " + next(iter(arguments))):
        KerasExampleGenerator(**arguments)
