import numpy as np
import pytest

from cyclegan_keras.files.errors import DataError
from pipelines.sources import demo


@pytest.fixture(scope="module")
def source():
    return demo.load("ponies")


def test_training_scenes_of_the_domains_differ():
    scenes = {
        stream: [demo.make_scene(stream, index) for index in range(20)]
        for stream in (demo.TRAIN_A, demo.TRAIN_B, demo.TEST)
    }
    every = [scene for group in scenes.values() for scene in group]
    assert len({repr(scene) for scene in every}) == 60


def test_counterparts_differ_on_the_pony_alone(source):
    assert source.paired_test
    for plain, striped in zip(source.test_a, source.test_b, strict=True):
        changed = np.any(plain != striped, axis=-1)
        assert 0.1 < changed.mean() < 0.3
        rows, columns = np.nonzero(changed)
        assert changed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].mean() > 0.3
        brown = plain[changed].astype(int)
        assert np.mean(brown[:, 0] > brown[:, 2]) > 0.9  # redder than blue
        grey = np.ptp(striped[changed].astype(int), axis=1)
        assert np.median(grey) < 25  # black and white


def test_stripes_are_both_dark_and_light(source):
    for plain, striped in zip(source.test_a, source.test_b, strict=True):
        body = striped[np.any(plain != striped, axis=-1)].mean(axis=-1)
        assert np.mean(body < 80) > 0.2
        assert np.mean(body > 170) > 0.2


def test_backgrounds_keep_to_a_narrow_palette(source):
    corners = np.stack([picture[:4, :4].mean(axis=(0, 1)) for picture in source.train_a])
    assert corners.std(axis=0).max() < 12


def test_pairs_are_the_scenes_of_one_domain(source):
    pairs = demo.load("pony_pairs")
    assert pairs.paired_train
    assert not source.paired_train
    for index in (0, 7, 399):
        scene = demo.make_scene(demo.TRAIN_A, index)
        np.testing.assert_array_equal(pairs.train_a[index], source.train_a[index])
        np.testing.assert_array_equal(pairs.train_b[index], demo.draw(scene, striped=True))
        assert pairs.train_a.key(index) != pairs.train_b.key(index)
    assert pairs.test_b.fingerprint() == source.test_b.fingerprint()
    assert pairs.train_a.fingerprint() != pairs.train_b.fingerprint()


def test_unknown_set_names_the_known():
    with pytest.raises(DataError, match=r"--dataset=demo/cats is no demo set: .*demo/ponies"):
        demo.load("cats")
