import numpy as np
import pytest

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.translation.tiling.tiled_network import TiledNetwork, bytes_per_pixel
from cyclegan_keras.translation.translator import Translator
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator

PIX2PIX = {
    "norm": "batch",
    "dropout": True,
    "test_dropout": True,
    "test_statistics": "picture",
}
KINDS = {
    "paper": lambda: ResNetGenerator(ngf=4, n_blocks=2),
    "affine": lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="instance_affine"),
    "batch, zero padding": lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="batch", padding="zero"),
    "no norm, resize": lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="none", upsample="resize"),
    "CUT": lambda: ResNetGenerator(ngf=4, n_blocks=1, antialias=True, antialias_up=True),
    "dropout, gray": lambda: ResNetGenerator(ngf=4, n_blocks=1, dropout=True, input_channels=1),
    "five bands to two": lambda: ResNetGenerator(
        ngf=4, n_blocks=1, input_channels=5, output_channels=2
    ),
    "U-Net": lambda: UNetGenerator(ngf=4, n_downs=3),
    "U-Net, instance": lambda: UNetGenerator(ngf=4, n_downs=3, norm="instance", dropout=True),
    "pix2pix by blocks": lambda: ResNetGenerator(ngf=4, n_blocks=1, **PIX2PIX),
}


def picture(height, width, channels=3, seed=0):
    """Something with a slope in it, so that tiles have different statistics."""
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, height, width, channels))
    slope = np.linspace(-0.5, 0.5, width)[:, None] * np.linspace(0, 1, height)[:, None, None]
    return (noise + slope).astype("float32")


def random_weights(network):
    """Gives every weight and statistic a value that matters, and maps a scale of about one."""
    random = np.random.default_rng(1)
    for weight in network.weights:
        if "kernel" in weight.name:
            weight.assign(random.normal(0, np.prod(weight.shape[:3]) ** -0.5, weight.shape))
        elif weight.dtype == "float32":
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.2, 0.2)
            weight.assign(random.uniform(low, high, weight.shape))
    return network


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_equal_the_whole(kind):
    network = random_weights(KINDS[kind]())
    images = picture(32, 40, network.input_channels)
    whole = np.asarray(network(images, training=False))
    assert whole.std() > 0.05
    for tile_size in (16, 23):  # one that divides the height, and one that divides no side
        np.testing.assert_allclose(TiledNetwork(network, tile_size)(images), whole, atol=1e-5)


def test_noise_of_pix2pix_is_that_of_the_whole():
    network = random_weights(UNetGenerator(ngf=2, n_downs=6, **PIX2PIX))
    images = picture(64, 64)
    whole = np.asarray(network(images, training=False))
    quiet = UNetGenerator.from_config({**network.get_config(), "test_dropout": False})
    quiet.set_weights(network.get_weights())
    assert np.abs(quiet(images) - whole).max() > 0.01
    np.testing.assert_allclose(TiledNetwork(network, 48)(images), whole, atol=1e-5)


def test_tiles_of_any_size():
    network = random_weights(ResNetGenerator(ngf=2, n_blocks=0))
    images = picture(8, 12)
    whole = np.asarray(network(images, training=False))
    for tile_size in (2, 5, 1000):
        np.testing.assert_allclose(TiledNetwork(network, tile_size)(images), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("height", "width", "tile_sizes"),
    [
        (96, 128, (64, 50)),  # one divides the width, one no side
        pytest.param(512, 768, (256, 200), marks=pytest.mark.release),
    ],
)
def test_the_paper_s_nine_blocks(height, width, tile_sizes):
    network = random_weights(ResNetGenerator(ngf=8, n_blocks=9))
    images = picture(height, width)
    whole = np.asarray(network(images, training=False))
    for tile_size in tile_sizes:
        np.testing.assert_allclose(TiledNetwork(network, tile_size)(images), whole, atol=1e-4)


def test_independent_tiles_would_show_seams():
    """What this file is for: statistics of one tile are not those of the picture."""
    network = random_weights(ResNetGenerator(ngf=4, n_blocks=2))
    images = picture(64, 64)
    whole = np.asarray(network(images, training=False))
    naive = [np.asarray(network(images[:, :, at : at + 32], training=False)) for at in (0, 32)]
    assert np.abs(np.concatenate(naive, axis=2) - whole).max() > 0.1


def test_a_translator_takes_tiles_by_itself_and_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    network = random_weights(ResNetGenerator(ngf=2, n_blocks=1))
    whole = Translator(network, network.description)
    tiled = Translator(
        network, network.description, tiled=TiledNetwork(network, 16), most_pixels=400
    )
    images = np.concatenate([picture(21, 34), picture(21, 34, seed=1)])
    np.testing.assert_allclose(tiled(images), whole(images), atol=1e-5)
    assert list(tmp_path.iterdir()) == []


def test_the_memory_of_a_pixel_grows_with_the_network():
    small, large = (bytes_per_pixel(ResNetGenerator(ngf=n, n_blocks=1)) for n in (4, 8))
    assert large == pytest.approx(2 * small)


def test_a_network_whose_tiles_differ_is_refused():
    with pytest.raises(TranslationError, match=r"GroupNormalization|Conv2D"):
        TiledNetwork(KerasExampleGenerator(ngf=2, n_blocks=1))


def test_a_full_disk_is_an_error_before_the_work(monkeypatch):
    network = ResNetGenerator(ngf=2, n_blocks=1)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100}))
    with pytest.raises(TranslationError, match=r"need 0.0 GB in .* TMPDIR"):
        TiledNetwork(network, 16)(picture(64, 64))
