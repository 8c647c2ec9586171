import numpy as np
import pytest

from cyclegan_keras.compression.likeness import MOST_DB, color_offset, likeness
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.values import Values
from cyclegan_keras.metrics.paired import ssim

RNG = np.random.default_rng(0)


def pictures(count=3, low=60, high=190):
    return [RNG.integers(low, high, (24, 20, 3), np.uint8) for _ in range(count)]


def test_noise_of_a_known_deviation_has_the_psnr_of_its_formula():
    teacher = [np.full((64, 64, 3), 0.1, np.float32) for _ in range(4)]
    noisy = [t + RNG.normal(0, 10 / 127.5, t.shape).astype(np.float32) for t in teacher]
    found = likeness("student", noisy, teacher)
    expected = 20 * np.log10(255 / 10)  # noise of 10 levels of 255
    assert found.psnr_db.value == pytest.approx(expected, abs=0.1)
    assert found.psnr_db.low <= expected + 0.1
    assert found.psnr_db.high >= expected - 0.1
    assert found.offset.value < 0.3


def test_an_offset_alone_is_removed_altogether():
    teacher = pictures()
    shifts = np.array([9, -6, 3], np.int16)
    student = [(picture + shifts).astype(np.uint8) for picture in teacher]
    found = likeness("student", student, teacher)
    mean_square = (9**2 + 6**2 + 3**2) / 3
    assert found.psnr_db.value == pytest.approx(10 * np.log10(255**2 / mean_square), abs=1e-4)
    assert found.offset.value == pytest.approx(6.0, abs=1e-4)
    assert found.psnr_without_offset_db.value > 120  # what float32 leaves
    assert found.ssim_without_offset.value == pytest.approx(1.0, abs=1e-6)
    assert found.ssim.value < 0.999


def test_removing_the_offset_takes_its_square_off_the_error():
    teacher, student = pictures(1), pictures(1)
    found = likeness("student", student, teacher)
    difference = student[0].astype(float) - teacher[0]
    of_channels = difference.mean(axis=(0, 1))
    without = np.mean(difference**2) - np.mean(of_channels**2)
    assert found.psnr_without_offset_db.value == pytest.approx(10 * np.log10(255**2 / without))
    assert found.offset.value == pytest.approx(np.abs(of_channels).mean(), abs=1e-4)
    np.testing.assert_allclose(color_offset(student[0], teacher[0]), of_channels)
    assert found.ssim.value == pytest.approx(ssim(student[0], teacher[0]), abs=1e-5)


def test_equal_pictures_are_as_alike_as_can_be():
    teacher = pictures(2)
    found = likeness("student", teacher, teacher)
    assert found.psnr_db.value == found.psnr_without_offset_db.value == MOST_DB
    assert found.ssim.value == pytest.approx(1.0)
    assert found.offset.value == 0


def test_deep_values_are_measured_in_their_own_unit():
    values = Values(dtype="int16", low=-1000, high=3000)
    teacher = [to_float(picture) for picture in pictures(2)]
    student = [picture + np.float32(0.01) for picture in teacher]
    found = likeness("student", student, teacher, values=values)
    assert found.offset.value == pytest.approx(0.01 * 2000, rel=1e-3)
    assert found.psnr_db.value == pytest.approx(20 * np.log10(2 / 0.01), abs=0.01)


def test_pictures_smaller_than_its_window_have_no_ssim():
    small = [np.zeros((8, 8, 3), np.uint8)]
    found = likeness("student", small, small)
    assert found.ssim is None
    assert found.ssim_without_offset is None
    assert found.psnr_db.value == MOST_DB


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        likeness("student", [], [])
