import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden

from cyclegan_keras.losses import patch_nce

GROUPS = {"per_image": False, "all_negatives": True}


def features(golden, name):
    """(batch, patches, channels)."""
    return golden[name].reshape(int(golden["batch_size"]), int(golden["num_patches"]), -1)


@pytest.mark.parametrize("group", GROUPS)
def test_loss_and_gradient_are_the_references(group):
    golden = load_golden("patchnce.npz")
    queries = [tf.constant(features(golden, f"feat_q{i}")) for i in range(3)]
    with tf.GradientTape() as tape:
        tape.watch(queries)
        losses = [
            patch_nce(q, features(golden, f"feat_k{i}"), float(golden["nce_T"]), GROUPS[group])
            for i, q in enumerate(queries)
        ]
        total = sum(losses) / 3
    np.testing.assert_allclose(total, golden[f"{group}/total"], rtol=1e-5)
    for i, (loss, gradient) in enumerate(zip(losses, tape.gradient(total, queries), strict=True)):
        np.testing.assert_allclose(loss, golden[f"{group}/loss{i}"].mean(), rtol=1e-5)
        expected = golden[f"{group}/grad_feat_q{i}"].reshape(gradient.shape)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def test_no_gradient_flows_into_the_keys():
    golden = load_golden("patchnce.npz")
    keys = tf.constant(features(golden, "feat_k0"))
    with tf.GradientTape() as tape:
        tape.watch(keys)
        loss = patch_nce(features(golden, "feat_q0"), keys)
    assert tape.gradient(loss, keys) is None


def test_patches_that_tell_nothing_cost_as_much_as_guessing():
    equal = np.full((1, 16, 4), 0.5, "float32")
    np.testing.assert_allclose(patch_nce(equal, equal), np.log(16), rtol=1e-6)


def test_half_precision_is_computed_in_float32():
    golden = load_golden("patchnce.npz")
    queries, keys = (features(golden, name).astype("float16") for name in ("feat_q0", "feat_k0"))
    loss = patch_nce(queries, keys)
    assert loss.dtype == tf.float32
    exact = patch_nce(queries.astype("float32"), keys.astype("float32"))
    np.testing.assert_allclose(loss, exact, rtol=1e-6)
