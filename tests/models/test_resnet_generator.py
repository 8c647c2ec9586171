import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import padding_layer
from cyclegan_keras.models.resnet_generator import ResNetGenerator


def picture(height=16, width=20, channels=3, batch=1):
    values = np.random.default_rng(0).uniform(-1, 1, (batch, height, width, channels))
    return values.astype("float32")


def test_parameter_count_of_the_paper():
    assert ResNetGenerator().count_params() == 11_378_179


def test_stages_can_be_addressed():
    generator = ResNetGenerator(ngf=4)
    blocks = [f"block_{number}" for number in range(1, 10)]
    shapes = {
        name: generator.get_layer(name).output.shape[-1]
        for name in ("stem", "down_1", "down_2", *blocks, "up_1", "up_2", "head")
    }
    channels = [4, 8, 16] + 9 * [16] + [8, 4, 3]
    assert list(shapes.values()) == channels


@pytest.mark.slow
@pytest.mark.parametrize("upsample", ["transpose", "resize"])
@pytest.mark.parametrize("padding", ["reflect", "zero"])
@pytest.mark.parametrize("norm", ["instance", "instance_affine", "batch", "none"])
def test_every_choice_keeps_the_size(upsample, padding, norm):
    generator = ResNetGenerator(
        input_channels=1,
        output_channels=2,
        ngf=2,
        n_blocks=1,
        norm=norm,
        padding=padding,
        upsample=upsample,
        dropout=True,
    )
    y = generator(picture(16, 24, 1))
    assert y.shape == (1, 16, 24, 2)
    assert y.dtype == "float32"
    assert np.abs(y).max() <= 1


@pytest.mark.parametrize(
    "options",
    [{}, {"upsample": "resize"}, {"antialias": True, "antialias_up": True}, {"norm": "batch"}],
)
def test_unknown_sizes(options):
    generator = ResNetGenerator(ngf=2, n_blocks=1, **options)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def translate(images):
        return generator(images)

    for height, width in ((8, 8), (16, 12)):
        images = picture(height, width, batch=2)
        np.testing.assert_allclose(translate(images), generator(images), atol=1e-5)


def test_resize_doubles_by_repetition():
    generator = ResNetGenerator(ngf=2, n_blocks=0, upsample="resize")
    resize = generator.get_layer("up_1_resize")
    x = picture(2, 3)
    np.testing.assert_array_equal(resize(x), x.repeat(2, axis=1).repeat(2, axis=2))
    assert isinstance(generator.get_layer("up_2_conv"), keras.layers.Conv2D)
    assert generator.count_params() == ResNetGenerator(ngf=2, n_blocks=0).count_params()


@pytest.mark.parametrize(("upsample", "up"), [("resize", "reflect"), ("resize_zero", "zero")])
def test_what_pads_the_convolution_after_resizing(upsample, up):
    generator = ResNetGenerator(ngf=2, n_blocks=0, upsample=upsample)
    expected = padding_layer(up, 1)
    x = picture(4, 4, channels=8)
    np.testing.assert_array_equal(generator.get_layer("up_1_pad")(x), expected(x))


def test_antialias_blurs_before_it_halves():
    generator = ResNetGenerator(ngf=2, n_blocks=0, antialias=True)
    assert generator.get_layer("down_1_conv").strides == (1, 1)
    x = picture(8, 12, channels=2)
    parts = ("_blur_pad", "_blur", "")
    down = keras.Sequential([generator.get_layer(f"down_1{part}") for part in parts])
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    taps = np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = np.zeros((1, 4, 6, 2))
    for row in range(4):
        for column in range(6):
            part = padded[0, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            expected[0, row, column] = np.tensordot(taps, part, 2)
    np.testing.assert_allclose(down(x), expected, atol=1e-6)


def test_antialias_up_is_a_filter_of_1_3_3_1():
    generator = ResNetGenerator(ngf=2, n_blocks=0, antialias_up=True)
    x = picture(3, 4)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    spread = np.zeros((1, 12, 14, 3))  # zeros between the pixels, then a convolution
    spread[:, 1:-1:2, 1:-1:2] = padded
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    expected = np.zeros((1, 6, 8, 3))
    for row in range(6):
        for column in range(8):
            part = spread[0, row + 1 : row + 5, column + 1 : column + 5]
            expected[0, row, column] = np.tensordot(taps, part, 2)
    np.testing.assert_allclose(generator.get_layer("up_1_resize")(x), expected, atol=1e-6)


@pytest.mark.parametrize("antialias", [{"antialias": True}, {"antialias_up": True}])
def test_antialias_keeps_size_and_parameters(antialias):
    generator = ResNetGenerator(ngf=2, n_blocks=0, **antialias)
    assert generator(picture(8, 12)).shape == (1, 8, 12, 3)
    assert generator.count_params() == ResNetGenerator(ngf=2, n_blocks=0).count_params()
    assert ResNetGenerator.from_config(generator.get_config()).get_config()["antialias"] == (
        generator.antialias
    )


def test_antialias_up_needs_no_other_way_up():
    with pytest.raises(ValueError, match="Received: antialias_up=True, upsample='resize'"):
        ResNetGenerator(ngf=2, n_blocks=1, antialias_up=True, upsample="resize")


def test_starting_weights():
    generator = ResNetGenerator(ngf=16, n_blocks=2)
    kernels = [v for v in generator.trainable_variables if v.name == "kernel"]
    values = np.concatenate([np.ravel(kernel) for kernel in kernels])
    assert abs(values.std() - 0.02) < 2e-4
    assert abs(values.mean()) < 2e-4
    assert np.abs(values).max() > 0.08  # not truncated
    biases = [v for v in generator.trainable_variables if v.name == "bias"]
    assert len(kernels) == len(biases) == 10
    assert not any(np.any(bias) for bias in biases)


def test_no_two_kernels_are_equal():
    generator = ResNetGenerator(ngf=4, n_blocks=2)
    kernels = [v for v in generator.trainable_variables if v.name == "kernel"]
    starts = {tuple(np.ravel(kernel)[:20]) for kernel in kernels}
    assert len(starts) == len(kernels) == 10
    other = ResNetGenerator(ngf=4, n_blocks=0)
    assert np.any(np.array(other.variables[0]) != np.array(generator.variables[0]))


def test_a_seed_repeats_the_start():
    def start():
        keras.utils.set_random_seed(5)
        return ResNetGenerator(ngf=2, n_blocks=1).get_weights()

    for first, second in zip(start(), start(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_batch_norm_is_the_reference_s():
    generator = ResNetGenerator(ngf=32, n_blocks=3, norm="batch")
    norm = generator.get_layer("down_2_norm")
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)
    assert not generator.get_layer("up_1_conv").use_bias
    assert generator.get_layer("head_conv").use_bias
    gamma = np.concatenate([v for v in generator.trainable_variables if v.name == "gamma"])
    assert abs(gamma.mean() - 1) < 3e-3
    assert abs(gamma.std() - 0.02) < 2e-3


def test_dropout_only_in_training():
    generator, x = ResNetGenerator(ngf=2, n_blocks=1, dropout=True), picture()
    np.testing.assert_array_equal(generator(x), generator(x, training=False))
    assert np.any(generator(x, training=True) != generator(x))
    plain = ResNetGenerator(ngf=2, n_blocks=1)
    np.testing.assert_array_equal(plain(x, training=True), plain(x))


def test_every_weight_gets_a_gradient():
    generator = ResNetGenerator(ngf=2, n_blocks=2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(generator(picture()) ** 2)
    gradients = tape.gradient(loss, generator.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    pairs = zip(gradients, generator.trainable_variables, strict=True)
    assert all(np.any(gradient) for gradient, v in pairs if v.name == "kernel")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_returns_float32(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        generator = ResNetGenerator(ngf=2, n_blocks=1)
    finally:
        keras.config.set_dtype_policy(before)
    assert generator(picture()).dtype == "float32"
    assert generator.get_layer("block_1").compute_dtype == policy.removeprefix("mixed_")


def test_round_trip(tmp_path):
    generator = ResNetGenerator(
        input_channels=1,
        output_channels=2,
        ngf=2,
        n_blocks=1,
        norm="batch",
        padding="zero",
        upsample="resize",
        dropout=True,
        init_type="xavier",
        init_gain=0.5,
        name="generator_g",
    )
    generator.save(tmp_path / "generator_g.keras")
    loaded = keras.saving.load_model(tmp_path / "generator_g.keras")
    assert type(loaded) is ResNetGenerator
    assert loaded.get_config() == generator.get_config()
    assert loaded.name == "generator_g"
    x = picture(channels=1)
    np.testing.assert_array_equal(loaded(x), generator(x))


@pytest.mark.parametrize("shape", [(1, 30, 32, 3), (1, 32, 30, 3)])
def test_sides_that_would_be_rounded(shape):
    generator = ResNetGenerator(ngf=2, n_blocks=0)
    with pytest.raises(ValueError, match=r"multiples of 4\. Received: shape="):
        generator(np.zeros(shape))


@pytest.mark.parametrize(
    "arguments",
    [
        {"ngf": 0},
        {"n_blocks": -1},
        {"input_channels": 1.5},
        {"output_channels": 0},
        {"norm": "layer"},
        {"padding": "same"},
        {"upsample": "bilinear"},
        {"init_type": "uniform"},
        {"init_gain": 0},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="Received: " + next(iter(arguments))):
        ResNetGenerator(**arguments)


@pytest.mark.parametrize("n_blocks", [0, 2])
def test_remat_changes_no_gradient(n_blocks):
    generator = ResNetGenerator(ngf=2, n_blocks=n_blocks, norm="instance_affine")
    x = np.random.default_rng(0).uniform(-1, 1, (2, 16, 20, 3)).astype("float32")
    found = []
    for remat in (False, True):
        generator.remat = remat
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(generator(x, training=True) ** 2)
        found.append([loss, *tape.gradient(loss, generator.trainable_variables)])
    for kept, recomputed in zip(*found, strict=True):
        np.testing.assert_allclose(recomputed, kept, rtol=1e-4, atol=1e-5)


def test_remat_recomputes_the_blocks():
    generator, counts = ResNetGenerator(ngf=2, n_blocks=2), []
    for layer in (generator.get_layer(name) for name in ("stem_conv", "block_1", "head_conv")):
        layer.call = _counted(layer.call, layer.name, counts)
    x = np.zeros((1, 16, 16, 3), "float32")
    for remat, times in ((False, 1), (True, 2)):
        generator.remat = remat
        counts.clear()
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(generator(x, training=True))
        tape.gradient(loss, generator.trainable_variables)
        assert sorted(counts) == sorted(["stem_conv", "block_1", "head_conv"] * times)
    counts.clear()
    generator(x)  # nothing to differentiate
    assert len(counts) == 3


def _counted(function, name, counts):
    def call(*args, **kwargs):
        counts.append(name)
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize("arguments", [{"dropout": True}, {"norm": "batch"}])
def test_remat_refuses_what_would_differ_when_recomputed(arguments):
    generator = ResNetGenerator(ngf=2, n_blocks=1, **arguments)
    with pytest.raises(ValueError, match="the second result would differ"):
        generator.remat = True
    assert not generator.remat


def test_remat_is_no_part_of_the_network():
    generator = ResNetGenerator(ngf=2, n_blocks=1)
    weights, config = len(generator.weights), generator.get_config()
    generator.remat = True
    generator(np.zeros((1, 16, 16, 3), "float32"), training=True)
    assert (len(generator.weights), generator.get_config()) == (weights, config)
