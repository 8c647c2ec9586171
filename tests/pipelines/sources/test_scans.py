import numpy as np
import pytest

from cyclegan_keras.files.errors import DataError
from pipelines.sources import datasets, scans


@pytest.fixture(scope="module")
def source():
    return scans.load("scans")


def test_it_is_found_by_its_name(source):
    assert "demo/scans" in datasets.known()
    found = datasets.find("demo/scans")
    assert found.name == "demo/scans"
    assert found.domains == ("scanner 1", "scanner 2")
    assert found.paired_test
    assert not found.paired_train
    assert found.test_b.fingerprint() == source.test_b.fingerprint()


def test_counts_and_headers(source):
    for pictures, count in (
        (source.train_a, 400),
        (source.train_b, 400),
        (source.test_a, 32),
        (source.test_b, 32),
    ):
        assert len(pictures) == len(set(pictures.names)) == count
        pixels = pictures.picture(0).pixels
        header = pictures.header(0)
        assert pixels.shape == (64, 64, 1) == (header.height, header.width, header.channels)
        assert pixels.dtype == np.int16 == np.dtype(header.dtype)
        assert pictures[0].shape == (64, 64, 3)
        assert pictures[0].dtype == np.uint8


def test_a_slice_is_a_pure_function_of_its_number(source):
    again = scans.load("scans")
    for index in (0, 7):
        slice_ = source.train_b.picture(index).pixels
        np.testing.assert_array_equal(slice_, again.train_b.picture(index).pixels)
        assert source.train_b.key(index) == again.train_b.key(index)
    assert not np.array_equal(source.train_b.picture(0).pixels, source.train_b.picture(1).pixels)
    assert source.train_a.key(0) != source.train_b.key(0)


def test_names_and_keys_stay_what_they_are(source):
    """Runs keep these fingerprints, and stored results are compared by them."""
    prints = [
        pictures.fingerprint()[:8]
        for pictures in (source.train_a, source.train_b, source.test_a, source.test_b)
    ]
    assert prints == ["c1acde8d", "2e007cfc", "26a7f1ee", "c5090398"]


def test_slices_stay_what_they_are(source):
    """Their mean to a tenth of a unit, since the last bit may differ between machines."""
    means = [pictures.picture(5).pixels.mean() for pictures in (source.train_a, source.train_b)]
    np.testing.assert_allclose(means, [-676.32, -669.42], atol=0.1)


def test_bodies_of_the_streams_differ():
    bodies = [
        repr(scans.make_body(stream, index))
        for stream in (scans.TRAIN_A, scans.TRAIN_B, scans.TEST)
        for index in range(20)
    ]
    assert len(set(bodies)) == 60


@pytest.mark.parametrize("side", ["train_a", "train_b"])
def test_values_fill_12_bits(source, side):
    """Slices have the padding and the saturated metal of both scanners, and all between."""
    pictures = getattr(source, side)
    values = np.concatenate([pictures.picture(index).pixels.ravel() for index in range(60)])
    assert values.min() == -1024
    assert values.max() == 3071
    assert len(np.unique(values)) > 4 * 256
    within = values[(values > -200) & (values < 200)]
    assert len(np.unique(within)) > 256  # of soft tissue alone


def test_tissues_have_their_hounsfield_units():
    """Shares of air, lung, fat, soft tissue and bone on scanner 1, as in a body."""
    values = np.stack([scans.scan(scans.TEST, index, 1) for index in range(32)])
    shares = [
        np.mean((values > low) & (values < high))
        for low, high in ((-1020, -950), (-900, -750), (-130, -70), (-10, 130), (300, 3072))
    ]
    air, lung, fat, soft, bone = shares
    assert air > 0.3
    assert min(lung, fat, soft, bone) > 0.03
    assert soft > fat


def test_scanner_2_is_a_closed_form_of_what_is_there():
    """Far from edges nothing is sharpened: the curve and the cupping alone are left."""
    values = np.full((5, 5), -100.0)
    shown = scans.on_scanner_2(values, np.zeros((5, 5)))
    np.testing.assert_allclose(shown, scans.SHOWN_VALUES[scans.TRUE_VALUES.index(-100.0)])
    shown = scans.on_scanner_2(values + 80, np.full((5, 5), 0.5))
    np.testing.assert_allclose(shown, (-250 - 110) / 2 - 0.5 * scans.CUPPING)


def test_scanner_2_enhances_edges():
    """A step of water and fat overshoots by s (1 - 3/4) of its height on both sides."""
    values = np.where(np.arange(8) < 4, -100.0, 60.0) * np.ones((8, 1))
    sharp = np.interp(
        scans.on_scanner_2(values, np.zeros((8, 8)))[4],
        scans.SHOWN_VALUES,
        scans.TRUE_VALUES,
    )
    overshoot = 160 * scans.SHARPENING / 4
    np.testing.assert_allclose(
        sharp, [-100, -100, -100, -100 - overshoot, 60 + overshoot, 60, 60, 60]
    )


def test_the_curve_of_scanner_2_can_be_inverted():
    assert np.all(np.diff(scans.TRUE_VALUES) > 0)
    assert np.all(np.diff(scans.SHOWN_VALUES) > 0)


def test_counterparts_show_one_body(source):
    """They differ by 117 Hounsfield units on average, and hardly in where the tissues lie."""
    a = np.stack([source.test_a.picture(index).pixels for index in range(32)]).astype(float)
    b = np.stack([source.test_b.picture(index).pixels for index in range(32)]).astype(float)
    assert np.abs(a - b).mean() == pytest.approx(117, abs=1)
    for one, other in zip(a, b, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.97


def test_unknown_set_names_the_known():
    with pytest.raises(DataError, match=r"--dataset=demo/skulls is no set of scans: .*demo/scans"):
        scans.load("skulls")
