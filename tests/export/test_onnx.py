import sys

import numpy as np
import pytest

from cyclegan_keras.export.onnx import export_onnx
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (ResNetGenerator, {"n_blocks": 1}),
        (ResNetGenerator, {"n_blocks": 1, "antialias": True, "antialias_up": True}),
        (ResNetGenerator, {"n_blocks": 1, "upsample": "resize", "norm": "batch"}),
        (UNetGenerator, {"n_downs": 3}),
        (
            ResNetGenerator,
            {
                "n_blocks": 1,
                "norm": "batch",
                "dropout": True,
                "test_dropout": True,
                "test_statistics": "picture",
            },
        ),
    ],
)
def test_any_size_and_batch_as_keras(kind, arguments, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    generator = kind(ngf=2, init_gain=0.3, **arguments)
    session = runtime.InferenceSession(str(export_onnx(generator, tmp_path / "g.onnx")))
    (name,) = (each.name for each in session.get_inputs())
    for shape in ((1, 16, 24, 3), (2, 8, 32, 3)):
        x = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
        np.testing.assert_allclose(session.run(None, {name: x})[0], generator(x), atol=1e-4)


def test_a_missing_package_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ExportError, match=r'pip install "cyclegan-keras\[export\]"'):
        export_onnx(ResNetGenerator(ngf=2, n_blocks=1), tmp_path / "g.onnx")
