import keras
import numpy as np
import pytest

from cyclegan_keras.export.tflite import export_tflite
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.models.resnet_generator import ResNetGenerator

measuring = pytest.importorskip("cyclegan_keras.export.tflite_measure")


def test_facts_of_a_file(tmp_path):
    generator = ResNetGenerator(ngf=4, n_blocks=1)
    path = export_tflite(generator, tmp_path, "g", size=16, variants=["fp32"])["fp32"]
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
    y = np.asarray(generator(x))
    facts = measuring.measure(path, [(x, y), (x, y + 0.1)], repeats=2, baseline=generator)
    assert facts["bytes"] == path.stat().st_size
    assert facts["partitions"] == 1
    assert facts["operations"]["CONV_2D"] == 14  # 2 x 4 of the steps up
    assert "DELEGATE" not in facts["operations"]
    assert facts["latency_ms"] > 0
    assert facts["latency_ratio"] > 0
    assert facts["psnr_db"] == pytest.approx(26, abs=0.1)  # the worse one: 10 log10(4 / 0.1**2)
    assert facts["max_abs_error"] == pytest.approx(0.1, abs=1e-3)


def test_a_file_that_cannot_run(tmp_path):
    with pytest.raises(ExportError, match="is not a file"):
        measuring.measure(tmp_path / "x.tflite", [])


def test_count_is_arithmetic():
    conv = keras.layers.Conv2D(5, 3, padding="same")
    up = keras.layers.Conv2DTranspose(2, 4, 2, padding="same")
    model = keras.Sequential([keras.Input((8, 6, 3)), conv, up])
    counted = measuring.count(model, 8, 6)
    assert counted["parameters"] == (27 * 5 + 5) + (16 * 5 * 2 + 2)
    assert counted["macs"] == 8 * 6 * 27 * 5 + 8 * 6 * 5 * 16 * 2
