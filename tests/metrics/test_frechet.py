import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.frechet import frechet, frechet_measures, frechet_stderr

RNG = np.random.default_rng(0)


def test_one_dimension():
    """(m_x - m_y)^2 + (s_x - s_y)^2."""
    x, y = RNG.normal(1, 2, (30, 1)), RNG.normal(3, 1, (40, 1))
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet(x, y) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "d"), [(50, 4), (10, 60)])
def test_scaled_and_shifted(n, d):
    """Of y = a x + b: |m_x - m_y|^2 + (a - 1)^2 tr C_x, also for fewer pictures than features."""
    x = RNG.normal(size=(n, d)) @ RNG.normal(size=(d, d))
    y = 1.5 * x + np.arange(d)
    shift = np.sum(np.square(x.mean(0) - y.mean(0)))
    assert frechet(x, y) == pytest.approx(shift + 0.25 * np.trace(np.cov(x.T)))
    assert frechet(x, x[::-1]) == 0
    assert frechet(x, x + 1e-3) > 0


def test_axes_of_their_own():
    """Gaussians along different axes have no shared part: tr C_x + tr C_y."""
    x, y = np.zeros((8, 6)), np.zeros((9, 6))
    x[:, :3], y[:, 3:] = RNG.normal(size=(8, 3)), RNG.normal(size=(9, 3))
    x, y = x - x.mean(0), y - y.mean(0)
    assert frechet(x, y) == pytest.approx(np.trace(np.cov(x.T)) + np.trace(np.cov(y.T)))


def test_equals_the_root_of_a_matrix():
    linalg = pytest.importorskip("scipy.linalg")
    x = RNG.normal(size=(60, 5)) @ RNG.normal(size=(5, 5))
    y = RNG.normal(size=(50, 5)) @ RNG.normal(size=(5, 5)) + 1
    cx, cy = np.cov(x.T), np.cov(y.T)
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(cx + cy - 2 * linalg.sqrtm(cx @ cy))
    assert frechet(x, y) == pytest.approx(expected)
    rotation = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    assert frechet(x @ rotation, y @ rotation) == pytest.approx(expected)


def test_more_dimensions_of_nothing_change_nothing():
    x, y = RNG.normal(size=(12, 5)), RNG.normal(size=(9, 5))
    empty = ((0, 0), (0, 40))
    assert frechet(np.pad(x, empty), np.pad(y, empty)) == pytest.approx(frechet(x, y))


def test_standard_error_is_the_spread_over_samples():
    draws = [(RNG.normal(size=(60, 3)), RNG.normal(1, 1, (60, 3))) for _ in range(60)]
    spread = np.std([frechet(x, y) for x, y in draws])
    assert np.mean([frechet_stderr(x, y) for x, y in draws[:20]]) == pytest.approx(spread, rel=0.3)


def test_one_picture_has_no_distance():
    with pytest.raises(MetricError, match="not 1"):
        frechet(np.zeros((1, 3)), np.zeros((4, 3)))


def test_measure(toy_network, monkeypatch):
    dark, bright, other = (
        RNG.integers(low, low + 9, (n, 4, 4, 3), "uint8") for low, n in ((0, 6), (90, 6), (90, 20))
    )
    evidence = Evidence(
        inputs=dark, translated=bright, real=bright[:4], other_real=other, network=toy_network
    )
    (measure,) = frechet_measures(evidence)
    assert (measure.name, measure.features) == ("Frechet distance", "toy")
    assert measure.n == (6, 4, 6, 6)  # no more other real pictures than translations
    assert "fitted to 6 translated and 4 real pictures" in measure.protocol
    assert max(measure.value, measure.real_score) < measure.copy_score / 100
    monkeypatch.setattr(toy_network, "name", "inception")
    assert frechet_measures(evidence)[0].name == "FID"
