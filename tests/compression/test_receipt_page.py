import dataclasses

import numpy as np
from PIL import Image

from cyclegan_keras.compression.receipt_files import write_receipt
from cyclegan_keras.compression.receipt_page import compression_section


def test_a_run_without_a_receipt_has_no_section(tmp_path):
    assert compression_section(tmp_path) is None


def test_a_receipt_becomes_a_section(receipt, tmp_path):
    write_receipt(receipt, tmp_path)
    grid = np.random.default_rng(0).integers(0, 255, (8, 12, 3), np.uint8)
    Image.fromarray(grid).save(tmp_path / "before_after.png")
    section = compression_section(tmp_path)
    assert section.title == "Compressed from vintagify: 64x9 to 16x6"
    np.testing.assert_array_equal(section.picture, grid)
    assert [table.heading for table in section.tables] == [
        "Cost",
        "TFLite files",
        "Likeness to the teacher",
        "Beside the teacher",
        "Shapes tried",
    ]
    assert section.facts["asked for"] == "at most 1,000 kB (578 kB, kept)"
    assert any("percentile bootstrap" in note for note in section.notes)


def test_a_receipt_without_a_grid_is_a_section_without_a_picture(receipt, tmp_path):
    write_receipt(dataclasses.replace(receipt, shapes=()), tmp_path)
    section = compression_section(tmp_path)
    assert section.picture is None
    assert "Shapes tried" not in [table.heading for table in section.tables]
