import math

import numpy as np
import pytest

from cyclegan_keras.export.parity import compare

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 16, 20, 3)).astype("float32")


def test_a_constant_error_has_a_closed_form():
    found = compare(np.zeros((1, 16, 16, 3)), np.full((1, 16, 16, 3), 0.02))
    assert found["max_abs_error"] == pytest.approx(0.02)
    assert found["mean_abs_error"] == pytest.approx(0.02)
    assert found["psnr_db"] == pytest.approx(20 * math.log10(2 / 0.02))


def test_equal_pictures():
    found = compare(IMAGES, IMAGES)
    assert (found["max_abs_error"], found["psnr_db"]) == (0, 200)
    assert found["ssim"] == pytest.approx(1)


def test_more_noise_is_less_alike():
    noise = np.random.default_rng(1).normal(size=IMAGES.shape)
    rows = [compare(IMAGES, IMAGES + scale * noise) for scale in (0.01, 0.1, 0.5)]
    for name in ("psnr_db", "ssim"):
        assert rows[0][name] > rows[1][name] > rows[2][name]


def test_nothing_finite_is_no_likeness():
    found = compare(IMAGES, IMAGES * np.nan)
    assert (found["max_abs_error"], found["psnr_db"]) == (2, 0)
    assert 0 <= found["ssim"] < 0.1


def test_small_pictures_have_no_ssim():
    assert "ssim" not in compare(IMAGES[:, :8], IMAGES[:, :8])
