import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden

from cyclegan_keras.models.patch_mlp import PatchMLP, to_sphere

WIDTHS = (3, 16, 24)


def rows(golden, number):
    """The features of the recorded patches, (batch, patches, channels)."""
    maps = np.moveaxis(golden[f"patchsample/feat{number}"], 1, -1)
    patches = golden[f"patchsample/patch_id{number}"]
    return maps.reshape(len(maps), -1, maps.shape[-1])[:, patches]


def test_perceptrons_are_the_references():
    golden = load_golden("patchnce.npz")
    mlp = PatchMLP(WIDTHS, units=32)
    for number in range(3):
        for layer, index in (("hidden", 0), ("units", 2)):
            prefix = f"patchsample/weights/mlp_{number}.{index}"
            weights = [golden[f"{prefix}.weight"].T, golden[f"{prefix}.bias"]]
            mlp.get_layer(f"map_{number}_{layer}").set_weights(weights)
    for number, result in enumerate(mlp([rows(golden, number) for number in range(3)])):
        expected = golden[f"patchsample/out_mlp{number}"]
        np.testing.assert_allclose(np.reshape(result, expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize("number", range(3))
def test_the_sphere_is_the_references(number):
    golden = load_golden("patchnce.npz")
    expected = golden[f"patchsample/out_nomlp{number}"]
    result = np.reshape(to_sphere(rows(golden, number)), expected.shape)
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_patch_without_features_has_a_finite_gradient(jit_compile):
    mlp = PatchMLP((2,), units=4)

    @tf.function(jit_compile=jit_compile)
    def gradient(x):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(mlp([x])[0] * 3.0)
        return tape.gradient(total, mlp.trainable_variables)

    assert all(np.isfinite(each).all() for each in gradient(tf.zeros((1, 3, 2))))


def test_half_precision_is_computed_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    (result,) = PatchMLP((8,), units=4, init_gain=1.0)([np.ones((1, 5, 8), "float16")])
    assert result.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(result, axis=-1), 1, atol=1e-4)


def test_weights_start_as_the_references_do():
    mlp = PatchMLP((512,), units=256, init_type="xavier", init_gain=0.02)
    kernel, bias = mlp.get_layer("map_0_hidden").get_weights()
    np.testing.assert_allclose(kernel.std(), 0.02 * np.sqrt(2 / (512 + 256)), rtol=0.02)
    assert not bias.any()
    assert PatchMLP.from_config(mlp.get_config()).get_config() == mlp.get_config()


@pytest.mark.parametrize("arguments", [{"channels": (0,)}, {"channels": (3,), "units": 0}])
def test_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match="must be an int >= 1"):
        PatchMLP(**arguments)
