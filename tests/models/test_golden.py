"""The networks against outputs and gradients recorded from the reference implementation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden, load_torch_weights, nhwc, torch_variables

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.layouts import to_keras, to_torch

NETWORKS = {
    "generator_resnet6": lambda: ResNetGenerator(ngf=8, n_blocks=6),
    "generator_resnet9": lambda: ResNetGenerator(ngf=8, n_blocks=9),
    "discriminator_basic": lambda: PatchDiscriminator(ndf=8),
    "discriminator_nlayers2": lambda: PatchDiscriminator(ndf=8, n_layers=2),
    "discriminator_pixel": lambda: PixelDiscriminator(ndf=8),
}
# (y, gradient of the input, of live weights, of dead weights), relative to the largest value
TOLERANCES = {"float32": (2e-5, 5e-4, 1e-3, 5e-5), "float64": (1e-5, 3e-4, 5e-4, 1e-11)}


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.fixture(params=NETWORKS)
def network(request, dtype):
    golden = load_golden(f"{request.param}.npz")
    model = NETWORKS[request.param]()
    load_torch_weights(model, golden, "weights/")
    return golden, model, torch_variables(model)


def relative_error(value, expected):
    return np.abs(np.array(value) - expected).max() / np.abs(expected).max()


def run(model, variables, images, training=True):
    """Returns output, gradient of the input and gradients of the weights, of the sum of squares."""
    images = tf.constant(images)
    sources = [images]
    sources += [variable.value for variable in variables]
    with tf.GradientTape() as tape:
        tape.watch(images)
        y = model(images, training=training)
        total = tf.reduce_sum(y**2)
    input_gradient, *gradients = tape.gradient(total, sources)
    return y, input_gradient, gradients


@pytest.mark.parametrize("case", ["0", "1"])  # two pictures; one that is not square
def test_outputs_and_gradients(network, dtype, case):
    golden, model, variables = network
    output, to_input, live, dead = TOLERANCES[dtype]
    y, input_gradient, gradients = run(
        model, variables.values(), nhwc(golden[f"x{case}"]).astype(dtype)
    )
    assert y.dtype == dtype
    assert relative_error(y, nhwc(golden[f"y{case}"])) < output

    expected = nhwc(golden[f"grad{case}/input"])
    errors = np.abs(np.array(input_gradient) - expected).max(axis=-1) / np.abs(expected).max()
    # In float32 a pixel's (Leaky)ReLU may fall on the other side of its kink.
    assert (errors > to_input).mean() <= (1e-3 if dtype == "float32" else 0)

    if f"grad{case}/{next(iter(variables))}" not in golden:
        return
    dead_keys = set(golden["dead_keys"])
    largest = max(
        np.abs(golden[f"grad{case}/{key}"]).max() for key in variables if key not in dead_keys
    )
    for key, gradient in zip(variables, gradients, strict=True):
        if key in dead_keys:
            assert np.abs(gradient).max() < dead * largest, key
        else:
            assert relative_error(gradient, to_keras(golden[f"grad{case}/{key}"])) < live, key


# Training normalizes by the batch; x1 was run with the running statistics.
@pytest.mark.parametrize(("mode", "case"), [("train", "0"), ("eval", "1")])
def test_unet(dtype, mode, case):
    golden = load_golden("generator_unet128.npz")
    output, to_input, live, _ = TOLERANCES[dtype]
    model = UNetGenerator(ngf=8, n_downs=7)
    load_torch_weights(model, golden, "weights/")
    variables = {key: v for key, v in torch_variables(model).items() if v.trainable}
    images = nhwc(golden[f"x{case}"]).astype(dtype)
    y, input_gradient, gradients = run(model, variables.values(), images, mode == "train")
    assert relative_error(y, nhwc(golden[f"{mode}/y{case}"])) < output

    expected = nhwc(golden[f"{mode}/grad{case}/input"])
    errors = np.abs(np.array(input_gradient) - expected).max(axis=-1) / np.abs(expected).max()
    assert (errors > to_input).mean() <= (1e-3 if dtype == "float32" else 0)
    for key, gradient in zip(variables, gradients, strict=True):
        if f"{mode}/grad{case}/{key}" in golden:
            assert relative_error(gradient, to_keras(golden[f"{mode}/grad{case}/{key}"])) < live
        else:
            part = to_torch(np.array(gradient))[::4, ::4]
            assert relative_error(part, golden[f"{mode}/grad{case}_slice4/{key}"]) < live, key

    prefix = "train/buffers_after0/" if mode == "train" else "weights/"
    after = {key: v for key, v in torch_variables(model).items() if not v.trainable}
    for key, statistic in after.items():
        name = key if mode == "eval" or "running" in key else "num_batches_tracked"
        assert relative_error(statistic, golden[prefix + name]) < 1e-5, key
