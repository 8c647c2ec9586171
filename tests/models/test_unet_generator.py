import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.models.unet_generator import UNetGenerator


def picture(height=16, width=32, channels=3, batch=1):
    values = np.random.default_rng(0).uniform(-1, 1, (batch, height, width, channels))
    return values.astype("float32")


@pytest.mark.slow
def test_parameter_count_of_the_paper():
    weights = UNetGenerator().trainable_variables
    assert sum(int(np.prod(weight.shape)) for weight in weights) == 54_413_955


def test_stages_can_be_addressed():
    generator = UNetGenerator(ngf=2, n_downs=6)
    channels = [generator.get_layer(f"down_{step}").output.shape[-1] for step in range(1, 7)]
    assert channels == [2, 4, 8, 16, 16, 16]
    # Each step up carries the step down of its size beside its own result.
    channels = [generator.get_layer(f"up_{step}").output.shape[-1] for step in range(6, 1, -1)]
    assert channels == [32, 32, 16, 8, 4]


@pytest.mark.parametrize("norm", ["instance", "instance_affine", "batch", "none"])
def test_every_choice_keeps_the_size(norm):
    generator = UNetGenerator(
        input_channels=1, output_channels=2, ngf=2, n_downs=4, norm=norm, dropout=True
    )
    y = generator(picture(16, 32, 1))
    assert y.shape == (1, 16, 32, 2)
    assert y.dtype == "float32"
    assert np.abs(y).max() <= 1


def test_norms_are_where_the_paper_has_them():
    generator = UNetGenerator(ngf=2, n_downs=4)
    norms = [layer.name for layer in generator.layers if layer.name.endswith("_norm")]
    assert norms == ["down_2_norm", "down_3_norm", "up_4_norm", "up_3_norm", "up_2_norm"]
    biased = [v.path for v in generator.trainable_variables if v.name == "bias"]
    assert biased == ["head_conv/bias"]


def test_one_picture_trains_down_to_a_single_pixel():
    generator = UNetGenerator(ngf=2, n_downs=4)
    assert generator.get_layer("down_4_conv").output.shape[-1] == 16
    x = picture(16, 16)
    assert np.isfinite(generator(x, training=True)).all()


def test_dropout_is_in_the_wide_steps_up_only():
    generator = UNetGenerator(ngf=1, n_downs=8, dropout=True)
    drops = [layer.name for layer in generator.layers if layer.name.endswith("_drop")]
    assert drops == ["up_7_drop", "up_6_drop", "up_5_drop"]
    generator = UNetGenerator(ngf=1, n_downs=6, dropout=True)
    x = picture(64, 64)
    np.testing.assert_array_equal(generator(x), generator(x))
    assert np.any(generator(x, training=True) != generator(x, training=True))


def test_every_skip_reaches_the_result():
    """Without the deepest step the picture would still pass, through the skips."""
    generator = UNetGenerator(ngf=2, n_downs=4, norm="none")
    for layer in generator.layers:
        if layer.name in ("down_2_conv", "down_3_conv", "down_4_conv"):
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    x = picture()
    assert np.any(generator(x) != generator(np.zeros_like(x)))


def test_unknown_sizes():
    generator = UNetGenerator(ngf=2, n_downs=3, norm="instance")

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def translate(images):
        return generator(images)

    for height, width in ((8, 8), (16, 24)):
        images = picture(height, width, batch=2)
        np.testing.assert_allclose(translate(images), generator(images), atol=1e-5)


def test_every_weight_gets_a_gradient():
    generator = UNetGenerator(ngf=2, n_downs=4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(generator(picture(batch=2), training=True) ** 2)
    gradients = tape.gradient(loss, generator.trainable_variables)
    pairs = zip(gradients, generator.trainable_variables, strict=True)
    assert all(np.any(gradient) for gradient, variable in pairs if variable.name == "kernel")


def test_mixed_precision_returns_float32():
    keras.config.set_dtype_policy("mixed_float16")
    generator = UNetGenerator(ngf=2, n_downs=3)
    assert generator(picture()).dtype == "float32"
    assert generator.get_layer("down_2").compute_dtype == "float16"


def test_round_trip(tmp_path):
    generator = UNetGenerator(
        input_channels=1,
        output_channels=2,
        ngf=2,
        n_downs=3,
        norm="instance",
        dropout=True,
        init_type="xavier",
        init_gain=0.5,
        name="generator_g",
    )
    generator.save(tmp_path / "generator_g.keras")
    loaded = keras.saving.load_model(tmp_path / "generator_g.keras")
    assert type(loaded) is UNetGenerator
    assert loaded.get_config() == generator.get_config()
    x = picture(channels=1)
    np.testing.assert_array_equal(loaded(x), generator(x))


@pytest.mark.parametrize("shape", [(1, 24, 16, 3), (1, 16, 24, 3)])
def test_sides_that_would_be_rounded(shape):
    with pytest.raises(ValueError, match=r"multiples of 16\. Received: shape="):
        UNetGenerator(ngf=2, n_downs=4)(np.zeros(shape))


@pytest.mark.parametrize(
    "arguments",
    [
        {"ngf": 0},
        {"n_downs": 1},
        {"input_channels": 1.5},
        {"output_channels": 0},
        {"norm": "layer"},
        {"init_type": "uniform"},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="Received: " + next(iter(arguments))):
        UNetGenerator(**arguments)
