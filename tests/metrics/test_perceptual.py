import numpy as np
import pytest

from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.perceptual import perceptual_distance, perceptual_measures

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")


def _solid(color, count=1):
    return np.full((count, 3, 4, 3), color, "uint8")


def test_only_directions_count(toy_network):
    """Of unit vectors: 2 - 2 cos."""
    red, dark_red, green, yellow = map(_solid, ([200, 0, 0], [40, 0, 0], [0, 90, 0], [50, 50, 0]))
    a, b = np.concatenate([red] * 4), np.concatenate([red, dark_red, green, yellow])
    distances = perceptual_distance(toy_network, a, b)
    np.testing.assert_allclose(distances, [0, 0, 2, 2 - 2**0.5], atol=1e-6)


def test_places_are_averaged(toy_network):
    half = _solid([200, 0, 0])
    half[:, :, :2] = [0, 200, 0]
    assert perceptual_distance(toy_network, _solid([200, 0, 0]), half) == pytest.approx([1])


def test_parts_change_nothing(toy_network):
    a, b = np.random.default_rng(0).integers(1, 256, (2, 35, 3, 4, 3), "uint8")
    alone = [perceptual_distance(toy_network, a[i : i + 1], b[i : i + 1])[0] for i in (0, 20, 34)]
    np.testing.assert_allclose(perceptual_distance(toy_network, a, b)[[0, 20, 34]], alone)


def test_measure(toy_network):
    inputs = np.concatenate([_solid([200, 0, 0]), _solid([0, 200, 0])])
    (measure,) = perceptual_measures(
        Evidence(inputs=inputs, translated=inputs // 2, network=toy_network)
    )
    assert measure.value == pytest.approx(0, abs=1e-6)
    assert (measure.real_score, measure.copy_score) == (0, 0)
    assert measure.chance == pytest.approx(2)
    assert "not LPIPS" in measure.protocol
    assert "LPIPS" not in measure.name


def test_real_features_see_a_change(efficientnet):
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 256, (1, 8, 8, 3)), np.ones((1, 8, 8, 1))).astype("uint8")
    noisy = np.clip(picture + rng.normal(0, 10, picture.shape), 0, 255).astype("uint8")
    inverted = 255 - picture
    pairs = np.concatenate([picture, noisy, inverted])
    same, near, far = perceptual_distance(efficientnet, np.repeat(picture, 3, 0), pairs)
    assert same < 1e-6 < near < far < 4
