import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.features import FEATURES

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")


def test_pictures_of_any_sizes_in_batches(toy_network):
    pictures = [np.full((size, size + 1, 3), size, "uint8") for size in (3, 3, 4, 4, 5)]
    features = toy_network.features(pictures)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, np.repeat([3, 3, 4, 4, 5], 3).reshape(5, 3), rtol=1e-6)
    np.testing.assert_array_equal(toy_network.probabilities(pictures), features)


def test_a_single_channel_is_repeated(toy_network):
    assert toy_network.features(np.full((1, 2, 2, 1), 7, "uint8")).tolist() == [[7, 7, 7]]


def test_middle_maps(toy_network):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), "uint8")
    (itself,) = toy_network.middle(pictures)
    np.testing.assert_array_equal(itself, pictures)


@pytest.mark.parametrize(
    "pictures",
    [np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 2), "uint8"), np.zeros((4, 4, 3), "uint8"), []],
)
def test_what_are_no_pictures(pictures, toy_network):
    with pytest.raises(MetricError, match="pictures"):
        toy_network.features(pictures)


def test_efficientnet_sees_whole_pictures_in_pillows_bicubic(efficientnet):
    picture = np.random.default_rng(0).integers(0, 256, (300, 200, 3), "uint8")
    resized = np.asarray(Image.fromarray(picture).resize((224, 224), Image.Resampling.BICUBIC))
    expected = (resized.astype("float32") - 127) / 128
    np.testing.assert_array_equal(efficientnet.preprocess([picture])[0], expected)


def test_efficientnet_gives_features_maps_and_classes(efficientnet):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), "uint8")
    features = efficientnet.features(pictures)
    assert features.shape == (2, 1280)
    assert features.dtype == np.float32
    probabilities = efficientnet.classify(features)
    assert probabilities.shape == (2, 1000)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    sides = [layer.shape[1] for layer in efficientnet.middle(pictures[:1])]
    assert sides == [112, 56, 28, 14, 7]


def test_a_network_without_classes_says_so(toy_network, monkeypatch):
    monkeypatch.setattr(toy_network, "_classify", None)
    with pytest.raises(MetricError, match="'toy' have no classes"):
        toy_network.classify(np.zeros((1, 3)))


def test_every_source_says_what_is_missing(tmp_path):
    for source in FEATURES.values():
        with pytest.raises(MetricError, match="is not a file"):
            source.find_weights(tmp_path / "missing.pth")
