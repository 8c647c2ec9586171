import json

import numpy as np
from PIL import Image

from cyclegan_keras.export import receipt
from cyclegan_keras.export.job import ExportedFile
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.direction import Direction

RED = np.zeros((8, 12, 3), "uint8") + np.array([255, 0, 0], "uint8")
GRAY = np.zeros((8, 12, 3), "float32")


def exported(folder):
    (folder / "g.onnx").write_bytes(b"network")
    return [
        ExportedFile(
            path=folder / "g.onnx",
            kind="onnx",
            direction=Direction.A_TO_B,
            facts={"psnr_db": 41.5, "max_abs_error": 0.1, "mean_abs_error": 0.01},
            least_psnr_db=50.0,
            samples=[GRAY + 1],
        )
    ]


def test_sizes_of_files_and_folders(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_bytes(b"three")
    assert receipt.size_of(tmp_path / "a") == 3
    assert receipt.size_of(tmp_path) == 8


def test_facts_of_a_file(tmp_path):
    (row,) = receipt.receipt({"name": "x"}, {}, exported(tmp_path), tmp_path)["files"]
    assert row["path"] == "g.onnx"
    assert row["bytes"] == 7
    assert row["sha256"] == sha256(tmp_path / "g.onnx")
    assert row["good"] is False
    assert row["direction"] == "a_to_b"
    assert row["psnr_db"] == 41.5


def test_the_table_can_be_read_and_the_json_parsed(tmp_path):
    source = {"name": "ponies", "run": "runs/ponies", "step": 7}
    content = receipt.receipt(source, {"a_to_b": "a network"}, exported(tmp_path), tmp_path)
    receipt.write_receipt(content, tmp_path)
    assert json.loads((tmp_path / "receipt.json").read_text()) == content
    text = (tmp_path / "receipt.md").read_text()
    assert "from name ponies, run runs/ponies, step 7." in text
    assert (
        "| file | what | direction | MB | largest error | mean error | PSNR (dB) | good |" in text
    )
    assert "| `g.onnx` | onnx | a_to_b | 7e-06 | 0.1 | 0.01 | 41.5 | **no**, under 50 dB |" in text


def test_what_a_server_answered_to_files_is_a_table(tmp_path):
    (file,) = exported(tmp_path)
    measures = {"max_abs_error": 0.02, "psnr_db": 61.0}
    file.facts["files"] = {"png_with_alpha": {"count": 2, **measures}}
    file.facts["files_refused"] = {"is WebP.": 1}
    receipt.write_receipt(receipt.receipt({"name": "x"}, {}, [file], tmp_path), tmp_path)
    text = (tmp_path / "receipt.md").read_text()
    assert "| `g.onnx` a_to_b | png with alpha | 2 | 0.02 | 61 |" in text
    assert "`g.onnx` a_to_b refused 1 of the original files: it is WebP." in text


def test_the_grid_shows_input_keras_and_every_file(tmp_path):
    receipt.write_grid([RED], [GRAY], exported(tmp_path), tmp_path / "grid.png", side=20)
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert grid.shape == (36, 60, 3)
    assert grid[26, 10].tolist() == [255, 0, 0]
    assert grid[26, 30].tolist() == [128, 128, 128]
    assert grid[26, 50].tolist() == [255, 255, 255]
