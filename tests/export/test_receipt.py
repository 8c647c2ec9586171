import json

import numpy as np
from PIL import Image

from cyclegan_keras.export import receipt
from cyclegan_keras.export.base import Exported
from cyclegan_keras.files.digest import sha256

RED = np.zeros((8, 12, 3), "uint8") + np.array([255, 0, 0], "uint8")
GREY = np.zeros((8, 12, 3), "float32")


def exported(folder):
    (folder / "g.onnx").write_bytes(b"network")
    facts = {"psnr_db": 41.5, "max_abs_error": 0.1, "mean_abs_error": 0.01}
    return [Exported(folder / "g.onnx", "onnx", "a_to_b", facts, 50.0, [GREY + 1])]


def test_what_is_told(tmp_path):
    (row,) = receipt.receipt({"name": "x"}, {}, exported(tmp_path), tmp_path)["files"]
    assert row["path"] == "g.onnx"
    assert row["bytes"] == 7
    assert row["sha256"] == sha256(tmp_path / "g.onnx")
    assert row["good"] is False
    assert row["psnr_db"] == 41.5


def test_the_table_can_be_read_and_the_json_parsed(tmp_path):
    source = {"name": "ponies", "run": "runs/ponies", "step": 7}
    told = receipt.receipt(source, {"a_to_b": "a network"}, exported(tmp_path), tmp_path)
    receipt.write_receipt(told, tmp_path)
    assert json.loads((tmp_path / "receipt.json").read_text()) == told
    text = (tmp_path / "receipt.md").read_text()
    assert "from name ponies, run runs/ponies, step 7." in text
    assert (
        "| file | what | direction | MB | largest error | mean error | PSNR (dB) | good |" in text
    )
    assert "| `g.onnx` | onnx | a_to_b | 7e-06 | 0.1 | 0.01 | 41.5 | **no**, under 50 dB |" in text


def test_the_grid_shows_input_keras_and_every_file(tmp_path):
    receipt.write_grid([RED], [GREY], exported(tmp_path), tmp_path / "grid.png", side=20)
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert grid.shape == (36, 60, 3)
    assert [grid[26, column].tolist() for column in (10, 30, 50)] == [
        *([255, 0, 0], [128, 128, 128], [255, 255, 255])
    ]
