"""Pictures come out of their addresses as they went in, or nearly so and small."""

import base64
import io

import numpy as np
from PIL import Image

from cyclegan_keras.pages.pictures import to_data_uri


def decode(address: str) -> tuple[str, np.ndarray]:
    head, data = address.split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    return head, np.asarray(image.convert("RGB"))


def natural(side: int, seed: int = 0) -> np.ndarray:
    """Noise whose spectrum falls as that of photographs does: uint8 (side, side, 3)."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    frequency[0, 0] = np.inf
    fields = np.fft.ifft2(
        np.fft.fft2(noise, axes=(0, 1)) / frequency[..., None] ** 1.4, axes=(0, 1)
    ).real
    gray = fields.mean(-1, keepdims=True)  # colors of photographs go together
    fields = gray / gray.std() + 0.1 * fields / fields.std()
    return np.clip(128 + 50 * fields, 0, 255).astype(np.uint8)


def test_small_pictures_are_exact():
    picture = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    head, shown = decode(to_data_uri(picture))
    assert head == "data:image/png"
    np.testing.assert_array_equal(shown, picture)


def test_flat_pictures_are_exact_at_any_size():
    picture = np.full((256, 256, 3), (200, 10, 99), np.uint8)
    np.testing.assert_array_equal(decode(to_data_uri(picture))[1], picture)


def test_photographs_are_near_and_small():
    picture = natural(256)
    address = to_data_uri(picture)
    head, shown = decode(address)
    error = np.mean((shown.astype(float) - picture) ** 2)
    assert head == "data:image/jpeg"
    assert 10 * np.log10(255**2 / error) > 35
    assert 40 * 4 * len(address) < 6e6  # a report of 40 examples with four pictures each


def test_noise_is_shown():
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    head, shown = decode(to_data_uri(picture))
    assert (head, shown.shape) == ("data:image/jpeg", picture.shape)


def test_large_pictures_are_reduced():
    _, shown = decode(to_data_uri(np.zeros((300, 1500, 3), np.uint8)))
    assert shown.shape == (102, 512, 3)
