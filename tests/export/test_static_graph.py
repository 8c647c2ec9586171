import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from thorough import THOROUGH

from cyclegan_keras.export.static_graph import measure_ranges, static_translate
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.layers import NORMS
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator

VARIANTS = (
    {},
    {"upsample": "resize"},
    {"antialias": True, "dropout": True},
    {"antialias_up": True},
)
PIX2PIX = {
    "norm": "batch",
    "dropout": True,
    "test_dropout": True,
    "test_statistics": "picture",
}
GENERATORS = [
    (ResNetGenerator, {"n_blocks": 2, **PIX2PIX}),
    (ResNetGenerator, {"n_blocks": 1, "upsample": "resize_zero"}),
    (KerasExampleGenerator, {"n_blocks": 1}),
    (ResNetGenerator, {"n_blocks": 1, "norm": "none", "use_bias": False}),
]
PADDINGS = ("reflect", "zero")
for norm, padding, variant in itertools.product(NORMS, PADDINGS, VARIANTS):
    # Half of them has all pairs: a norm with a padding or a variant, and a padding with a variant.
    chosen = (list(NORMS).index(norm) + PADDINGS.index(padding) + VARIANTS.index(variant)) % 2 == 0
    if not (chosen or THOROUGH):
        continue
    GENERATORS.append(
        (
            ResNetGenerator,
            {"n_blocks": 2 if THOROUGH else 1, "norm": norm, "padding": padding, **variant},
        )
    )
for norm in NORMS:
    GENERATORS.append((UNetGenerator, {"n_downs": 3, "norm": norm, "dropout": True}))
REFUSED = {"MirrorPad", "Conv2DBackpropInput", "ResizeNearestNeighbor", "FusedBatchNormV3"}


def trained(kind, **arguments):
    """A generator none of whose weights is what it started with."""
    generator, rng = kind(ngf=4, **arguments), np.random.default_rng(1)
    for weight in generator.weights:
        noise = rng.normal(0, 0.1, weight.shape)
        weight.assign(weight + (np.abs(noise) if "variance" in weight.path else noise))
    return generator


def picture(height=16, width=24, channels=3):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (1, height, width, channels)).astype("float32")


@pytest.mark.parametrize(("kind", "arguments"), GENERATORS)
def test_equals_keras_and_knows_only_what_delegates_know(kind, arguments):
    generator, x = trained(kind, **arguments), picture()
    function = static_translate(generator, 16, 24)
    y = function(tf.constant(x))["translation"]
    assert np.std(y) > 0.02
    np.testing.assert_allclose(y, generator(x, training=False), atol=1e-4)
    assert not function.captured_inputs
    operations = function.graph.get_operations()
    types = {operation.type for operation in operations}
    assert not types & {"VarHandleOp", "PartitionedCall"}
    if kind is not KerasExampleGenerator:  # which is traced as it is
        assert not types & REFUSED
        joined = [operation for operation in operations if operation.type == "ConcatV2"]
        assert all(len(operation.inputs) - 1 <= 5 for operation in joined)  # the last is the axis


def test_the_noise_of_pix2pix_is_in_the_graph():
    generator = trained(UNetGenerator, n_downs=6, **PIX2PIX)
    x = picture(64, 128)
    y = static_translate(generator, 64, 128)(tf.constant(x))["translation"]
    quiet = UNetGenerator.from_config({**generator.get_config(), "test_dropout": False})
    quiet.set_weights(generator.get_weights())
    assert np.abs(quiet(x) - y).max() > 1e-3
    np.testing.assert_allclose(y, generator(x, training=False), atol=1e-4)


def test_a_functional_model_of_anybody():
    inputs = keras.Input((8, 8, 2))
    layers = [keras.layers.Conv2D(3, 3, padding="same"), keras.layers.BatchNormalization()]
    generator, x = keras.Sequential([inputs, *layers]), picture(8, 8, 2)
    y = static_translate(generator, 8, 8)(tf.constant(x))["translation"]
    np.testing.assert_allclose(y, generator(x, training=False), atol=1e-5)


def test_later_training_does_not_change_it():
    generator, x = trained(ResNetGenerator, n_blocks=0), picture()
    function = static_translate(generator, 16, 24)
    before = function(tf.constant(x))["translation"]
    generator.set_weights([np.zeros_like(weight) for weight in generator.get_weights()])
    np.testing.assert_array_equal(before, function(tf.constant(x))["translation"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ResNetGenerator, KerasExampleGenerator])
def test_uint8_pictures(kind):
    generator = trained(kind, n_blocks=1)
    x = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype("uint8")
    y = static_translate(generator, 16, 16, uint8=True)(tf.constant(x))["translation"]
    expected = np.round((generator(x / np.float32(127.5) - 1, training=False) + 1) * 127.5)
    assert y.dtype == tf.uint8
    assert np.abs(y.numpy() - expected).max() <= 1


@pytest.mark.parametrize("norm", ["instance", "instance_affine"])
def test_ranges_move_nothing_but_what_they_clip(norm):
    generator, x = trained(ResNetGenerator, n_blocks=1, norm=norm), picture()
    ranges = measure_ranges(generator, [x, -x])
    assert len(ranges) == 7  # stem, down twice, a block's two, up twice
    wide = {name: (center + 0.3, 1.5 * spread) for name, (center, spread) in ranges.items()}
    y = static_translate(generator, 16, 24, ranges=wide)(tf.constant(x))["translation"]
    np.testing.assert_allclose(y, generator(x, training=False), atol=1e-4)


def test_a_channel_that_never_changes():
    generator, x = ResNetGenerator(ngf=4, n_blocks=1), picture()
    generator.get_layer("stem_conv").kernel.assign(
        generator.get_layer("stem_conv").kernel * np.array([0, 1, 1, 1], "float32")
    )
    ranges = measure_ranges(generator, [x])
    y = static_translate(generator, 16, 24, ranges=ranges)(tf.constant(x))["translation"]
    assert np.isfinite(y).all()


@pytest.mark.parametrize(("height", "width"), [(18, 16), (4, 16)])
def test_a_wrong_size_is_a_sentence(height, width):
    with pytest.raises(ExportError, match=f"{height}x{width}.*multiples of 4 and at least 8"):
        static_translate(ResNetGenerator(ngf=2, n_blocks=1), height, width)
