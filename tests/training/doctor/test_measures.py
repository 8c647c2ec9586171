"""Oracles: closed forms, and pictures whose fault is known."""

import io
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.training.doctor.findings import AILMENTS
from cyclegan_keras.training.doctor.measures import (
    UNSEEN,
    change,
    line_db,
    luminance_correlation,
    measure,
    spread,
)

SIDE = 64
LINES = [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2)]


def noise(seed, n=4, side=SIDE):
    return np.random.default_rng(seed).uniform(-1, 1, (n, side, side, 3))


def ramps(seed, n=4):
    """Pictures without any texture."""
    rows, columns = np.mgrid[:SIDE, :SIDE, :1][:2] / SIDE - 0.5
    down, right = np.random.default_rng(seed).uniform(-1, 1, (2, n, 1, 1, 3))
    return down * rows + right * columns


def cosine(amplitude, row, column):
    """A wave of `row` and `column` quarters of a cycle a pixel."""
    rows, columns = np.mgrid[:SIDE, :SIDE, :1][:2]
    return amplitude * np.cos(np.pi / 2 * (row * rows + column * columns))


def ailing(measures):
    return {a.name for a in AILMENTS if a.measure in measures and a.shows(measures[a.measure])}


@pytest.fixture(scope="module")
def photos(shared_data):
    """Eight horses and eight zebras, 128 px."""
    with zipfile.ZipFile(shared_data / "data" / "horse2zebra.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        domains = ([n for n in names if part in n][::15][:8] for part in ("testA", "testB"))
        return [np.stack([_decoded(archive.read(name)) for name in domain]) for domain in domains]


def _decoded(file):
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB").resize((128, 128)), "float32") / 127.5 - 1


def test_correlation_is_that_of_luminance():
    x = noise(0)
    assert luminance_correlation(x, 0.3 * x - 0.2) == pytest.approx(1)
    assert luminance_correlation(x, -0.1 * x) == pytest.approx(-1)
    assert abs(luminance_correlation(x, noise(1))) < 0.05
    gray = x @ np.array([0.299, 0.587, 0.114])  # hue may turn as it likes
    assert luminance_correlation(x, np.repeat(gray[..., None], 3, -1)) == pytest.approx(1)
    assert luminance_correlation(x[..., :1], -x[..., :1]) == pytest.approx(-1)


def test_correlation_leaves_flat_pictures_out():
    x = noise(0)
    half_flat = np.where(np.arange(4)[:, None, None, None] < 2, 0.5, -x)
    assert luminance_correlation(x, half_flat) == pytest.approx(-1)
    assert np.isnan(luminance_correlation(x, np.zeros_like(x)))


def test_spread_is_the_deviation_of_a_pixel_over_pictures():
    pictures = np.broadcast_to(np.array([1.0, 2, 3, 6])[:, None, None, None], (4, 8, 8, 3))
    assert spread(pictures) == pytest.approx(np.sqrt(3.5))
    assert spread(pictures[:1].repeat(4, 0)) == 0


def test_change_and_diversity_are_shares_of_what_real_pictures_have():
    x, y = noise(0), noise(1)
    measured = measure(x, x + 0.1, y)
    expected = 0.1 / np.sqrt(2 / 3)  # the difference of two uniform numbers in [-1, 1]
    assert measured["change"] == pytest.approx(expected, rel=0.01)
    assert measure(x, x, y)["change"] == 0
    assert measure(x, 0.5 * y, y)["diversity"] == pytest.approx(0.5, rel=0.02)
    assert measure(x, 0.5 * y, 0.2 * y)["diversity"] == pytest.approx(2.5, rel=0.02)
    assert measure(x, x[:1].repeat(4, 0), y)["diversity"] == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("x_channels", "y_channels"), [(3, 1), (1, 3), (4, 3), (2, 5)])
def test_domains_may_differ_in_channels(x_channels, y_channels):
    """Change is then that of the luminance, as of gray pictures made beforehand."""

    def bands(seed, channels):
        return np.random.default_rng(seed).uniform(-1, 1, (4, SIDE, SIDE, channels))

    def gray(pictures):
        if pictures.shape[-1] < 3:
            return pictures[..., :1]
        return (pictures[..., :3] @ np.array([0.299, 0.587, 0.114]))[..., None]

    x, fake, y = bands(0, x_channels), bands(1, y_channels), bands(2, y_channels)
    measured = measure(x, fake, y)
    assert set(measured) == {"luminance_correlation", "change", "diversity", "grid_db"}
    assert measured["change"] == pytest.approx(change(gray(x), gray(fake), gray(y)))
    assert measured["change"] > 0.5
    assert measured["diversity"] == pytest.approx(1, rel=0.05)
    assert luminance_correlation(x, fake) == pytest.approx(
        luminance_correlation(gray(x), gray(fake))
    )


@pytest.mark.parametrize("line", LINES)
def test_a_wave_stands_out_by_its_power(line):
    """Its window's transform is zero two bins away: what is around has no power at all."""
    amplitude = 0.1
    alone = all(quarters % 2 == 0 for quarters in line)  # at half a cycle there is no mirror image
    power = amplitude**2 if alone else amplitude**2 / 4
    expected = 10 * np.log10((power + UNSEEN**2) / UNSEEN**2)
    decibels = line_db(cosine(amplitude, *line)[None])
    assert decibels[LINES.index(line)] == pytest.approx(expected)
    assert np.delete(decibels, LINES.index(line)).max() < 0.01


def test_a_grid_that_nobody_sees_is_none():
    faint = ramps(0) + cosine(0.25 * UNSEEN, 1, 1)
    assert measure(ramps(0), faint, ramps(1))["grid_db"] < 0.2
    seen = ramps(0) + cosine(10 * UNSEEN, 1, 1)
    assert measure(ramps(0), seen, ramps(1))["grid_db"] > 10


def test_a_grid_is_seen_where_its_sign_changes_with_the_picture():
    """The Fourier transform of a whole picture has no line there: both halves cancel."""
    sign = np.where(np.arange(SIDE) < SIDE // 2, 1, -1)[:, None, None]
    grid = sign * cosine(0.1, 1, 1)
    assert measure(ramps(0), ramps(0) + grid, ramps(1))["grid_db"] > 10


def test_stripes_that_real_pictures_have_are_no_grid():
    stripes = cosine(0.3, 0, 1)
    striped = measure(ramps(0), ramps(0) + stripes, ramps(1) + stripes)
    assert striped["grid_db"] < 0.5
    both = ramps(0) + stripes + cosine(0.3, 1, 0)  # a network that adds its own beside them
    assert measure(ramps(0), both, ramps(1) + stripes)["grid_db"] > 10


@pytest.mark.parametrize("side", [32, 63])
def test_small_pictures_have_no_grid(side):
    small = [noise(seed, side=side) for seed in range(3)]
    assert set(measure(*small)) == {"luminance_correlation", "change", "diversity"}


def test_what_cannot_be_told_is_left_out():
    few = [noise(seed, n=3) for seed in range(3)]
    assert measure(*few) == {}
    flat = np.zeros((4, SIDE, SIDE, 3))
    assert set(measure(flat, flat, flat)) == {"grid_db"}


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_on_the_way():
    flat = np.zeros((4, SIDE, SIDE, 3))
    measure(flat, noise(0), flat)


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [({}, 10, 30), ({"upsample": "resize"}, -9, 4), ({"antialias_up": True}, -9, 1)],
)
def test_transposed_convolutions_leave_a_grid_and_the_remedies_far_less(options, least, most):
    """Untrained: what of it training removes, it need not remove here."""
    keras.utils.set_random_seed(1)
    network = ResNetGenerator(ngf=4, n_blocks=1, **options)
    x = ramps(0).astype("float32")
    assert least < measure(x, np.asarray(network(x)), ramps(1))["grid_db"] < most


def test_real_photographs_are_healthy(photos):
    """As if a perfect network had drawn zebras, or had made horses a little darker and warmer."""
    horses, zebras = photos
    graded = np.clip(0.8 * horses + np.float32([0.1, 0.0, -0.1]), -1, 1)
    for fake in (zebras, zebras[::-1], graded):
        measured = measure(horses, fake, zebras)
        assert len(measured) == 4
        assert ailing(measured) == set()


@pytest.mark.parametrize(
    ("name", "translate"),
    [
        ("inverted", lambda x: -x),
        ("copying", lambda x: 0.98 * x + 0.01),
        ("collapsed", lambda x: x.mean(axis=0, keepdims=True) + 0.05 * x),
        ("checkerboard", lambda x: 0.7 * x + 0.2 * (np.indices(x.shape[1:]).sum(0) % 2 - 0.5)),
    ],
)
def test_each_fault_of_a_photograph_is_seen_alone(photos, name, translate):
    horses, zebras = photos
    assert ailing(measure(horses, translate(horses), zebras)) == {name}
