import numpy as np
import pytest

from cyclegan_keras.translation.tiling.scratch import ScratchMap


def test_regions_come_back():
    values = np.random.default_rng(0).random((7, 5, 3), "float32")
    kept = ScratchMap(7, 5, 3)
    for rows in ((0, 4), (4, 7)):
        for columns in ((0, 2), (2, 5)):
            kept.write((rows, columns), values[slice(*rows), slice(*columns)])
    for rows, columns in (((0, 7), (0, 5)), ((3, 5), (1, 4)), ((6, 7), (4, 5))):
        expected = values[slice(*rows), slice(*columns)]
        np.testing.assert_array_equal(kept.read((rows, columns)), expected)
    kept.close()


def test_a_closed_one_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = ScratchMap(2, 2, 1)
    kept.close()
    with pytest.raises(ValueError, match="closed file"):
        kept.read(((0, 1), (0, 1)))
    assert list(tmp_path.iterdir()) == []
