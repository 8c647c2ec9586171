import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.paired import (
    cycle_measures,
    l1,
    paired_error,
    paired_measures,
    psnr,
    ssim,
)

SSIM = 0.9500494363120024  # of _two_pictures, by scikit-image 0.26.0


def test_errors_are_on_the_scale_of_bytes():
    source, truth = np.zeros((1, 2, 2, 3)), np.full((1, 2, 2, 3), 0.4)
    error = paired_error(lambda images: images + 0.3, [(source, truth)] * 3)
    assert error == {
        "translated": pytest.approx(0.1 * 127.5),
        "copied": pytest.approx(0.4 * 127.5),
        "cut": pytest.approx(0.75),
    }


def test_perfect_and_useless_translations():
    pairs = [(np.zeros((1, 2, 2, 3)), np.ones((1, 2, 2, 3)))]
    assert paired_error(lambda images: images + 1, pairs)["cut"] == 1
    assert paired_error(lambda images: images, pairs)["cut"] == 0
    assert paired_error(lambda images: images - 1, pairs)["cut"] == -1


def test_inputs_that_equal_their_counterparts_have_no_error_to_cut():
    pairs = [(np.full((1, 2, 2, 3), 0.5), np.full((1, 2, 2, 3), 0.5))]
    for translate, translated in ((lambda images: images, 0), (lambda images: -images, 127.5)):
        error = paired_error(translate, pairs)
        assert (error["translated"], error["copied"]) == (translated, 0)
        assert np.isnan(error["cut"])


def test_nothing_to_measure_is_an_error():
    with pytest.raises(ValueError, match="at least one batch"):
        paired_error(lambda images: images, [])


def _two_pictures():
    y, x, channel = np.mgrid[:40, :31, :3]
    a = ((x * 7 + y * y + channel * 40) % 256).astype("uint8")
    return a, ((a.astype(int) * 3 // 4 + x + channel) % 256).astype("uint8")


def test_psnr_and_l1_of_known_errors():
    a = np.full((4, 4, 3), 100, "uint8")
    assert l1(a, a + 10) == 10
    assert psnr(a, a + 10) == pytest.approx(28.1308, abs=1e-4)
    assert psnr(a, a) == np.inf


def test_ssim_as_recorded_from_scikit_image():
    a, b = _two_pictures()
    assert ssim(a, b) == pytest.approx(SSIM, abs=1e-9)
    assert ssim(a, a) == pytest.approx(1)
    flat = np.full((20, 20, 3), 100, "uint8")  # only the means differ
    c1 = 2.55**2
    expected = (2 * 100 * 140 + c1) / (100**2 + 140**2 + c1)
    assert ssim(flat, flat + 40) == pytest.approx(expected)


def test_equals_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    for a, b in (_two_pictures(), [picture[:11, :13, :1] for picture in _two_pictures()]):
        theirs = metrics.structural_similarity(
            a,
            b,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2,
        )
        assert ssim(a, b) == pytest.approx(theirs, abs=1e-9)
        assert psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(a, b))


@pytest.mark.parametrize(
    ("picture", "message"),
    [(np.zeros((10, 40, 3), "uint8"), "11 pixels"), (np.zeros((40, 40, 3)), "uint8")],
)
def test_what_cannot_be_compared(picture, message):
    with pytest.raises(MetricError, match=message):
        ssim(picture, picture)


def test_measures_against_the_truth():
    a, b = _two_pictures()
    truth = [a, b, a]
    measures = paired_measures(Evidence(inputs=[b, b, b], translated=[a, b, b], truth=truth))
    error, signal, likeness = measures
    assert [measure.better for measure in measures] == ["lower", "higher", "higher"]
    assert [measure.real_score for measure in measures] == [0, np.inf, 1]
    assert error.value == pytest.approx(l1(a, b) / 3)
    assert error.copy_score == pytest.approx(2 * l1(a, b) / 3)
    assert signal.value == np.inf
    assert likeness.copy_score == pytest.approx((2 * ssim(a, b) + 1) / 3)
    assert all(measure.n == (3,) for measure in measures)
    assert error.chance == pytest.approx(l1(a, b))


def test_measures_of_the_cycle():
    a, b = _two_pictures()
    error, _, likeness = cycle_measures(Evidence(inputs=[a, b[:20]], cycled=[a, b[:20]]))
    assert (error.value, error.copy_score, likeness.value) == (0, 0, pytest.approx(1))
    assert error.chance is None  # of different sizes
    assert "Copying makes a perfect cycle" in error.note
    with pytest.raises(MetricError, match="no way back"):
        cycle_measures(Evidence(inputs=[a]))
