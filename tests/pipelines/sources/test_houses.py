import numpy as np
import pytest

from cyclegan_keras.files.errors import DataError
from pipelines.sources import datasets, houses


@pytest.fixture(scope="module")
def source():
    return houses.load("houses")


def test_it_is_known_by_its_name():
    assert "demo/houses" in datasets.known()
    found = datasets.find("demo/houses", paired=True)
    assert found.name == "demo/houses"
    assert found.paired_train
    assert found.paired_test


def test_houses_of_training_and_of_test_differ():
    every = [
        repr(houses.make_house(stream, index))
        for stream, count in ((houses.TRAIN, houses.TRAIN_COUNT), (houses.TEST, houses.TEST_COUNT))
        for index in range(count)
    ]
    assert len(set(every)) == len(every)


def test_label_maps_hold_the_labels_alone(source):
    known = set(houses.LABELS.values())
    seen = [set(map(tuple, labels.reshape(-1, 3))) for labels in source.test_a]
    assert set().union(*seen) == known  # no border is blurred, and no label is for nothing
    assert all(houses.LABELS["sky"] in colors for colors in seen)


def test_pictures_follow_from_their_labels(source):
    """A mean of each label explains most of a picture; what is left is texture and light."""
    labels = np.stack([source.test_a[index] for index in range(8)]) @ [1, 256, 65536]
    pictures = np.stack([source.test_b[index] for index in range(8)]).astype(float)
    left = pictures.copy()
    for label in np.unique(labels):
        left[labels == label] -= pictures[labels == label].mean(axis=0)
    assert left.var() < 0.25 * pictures.var()
    # A picture that is mirrored is of another house.
    wrong = pictures[:, :, ::-1].copy()
    for label in np.unique(labels):
        wrong[labels == label] -= wrong[labels == label].mean(axis=0)
    assert wrong.var() > 1.3 * left.var()


def test_surfaces_have_textures(source):
    labels = np.stack([source.test_a[index] for index in range(8)])
    pictures = np.stack([source.test_b[index] for index in range(8)]).mean(axis=-1)
    for name in ("brick", "roof", "window", "shutter", "balcony", "tree"):
        assert pictures[(labels == houses.LABELS[name]).all(axis=-1)].std() > 8


def test_unknown_set_names_the_known():
    with pytest.raises(DataError, match=r"--dataset=demo/huts is no set of houses: .*demo/houses"):
        houses.load("huts")
