"""The Inception network of the FID, for figures that compare with those in papers."""

import os
import pathlib
from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.torch_weights import set_weights

SIZE = 299  # pixels
FEATURES = 2048
MIDDLE = ("pool_1", "pool_2", "Mixed_5d", "Mixed_6e", "Mixed_7c")

FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
_DIGEST = "6726825d"  # PyTorch ends the name of a published file with the start of its SHA-256


def inception(state: Mapping[str, np.ndarray]) -> keras.Model:
    """Returns the FID's network: Inception v3 as of 2015-12-05, with its own poolings.

    Unlike torchvision's and Keras' Inception v3, averages leave padding out of account, and the
    last block takes a maximum where the others take an average.

    Args:
        state: PyTorch's state dict, from `Conv2d_1a_3x3.conv.weight` on; its classifier `fc` is
            not used: these 1008 classes have an order of their own.

    Returns:
        A model of (n, 299, 299, 3) pictures from `resize`, or smaller ones down to 75 pixels. It
        gives a dict: `features` (n, 2048) averaged over positions, known as pool3; and the maps
        `pool_1` (n, 73, 73, 64), `pool_2` (n, 35, 35, 192), `Mixed_5d` (n, 35, 35, 288), `Mixed_6e`
        (n, 17, 17, 768) and `Mixed_7c` (n, 8, 8, 2048).

    Raises:
        MetricError: `state` is of another network.

    Reference:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016; Heusel
        et al., "GANs Trained by a Two Time-Scale Update Rule ...", 2017; the port of its weights:
        Seitzer, pytorch-fid, 2020.
    """
    inputs = keras.Input((None, None, 3), name="pictures")
    outputs = {}
    x = _conv(inputs, "Conv2d_1a_3x3", 32, 3, 2, "valid")
    x = _conv(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = _conv(x, "Conv2d_2b_3x3", 64, 3)
    outputs["pool_1"] = x = layers.MaxPooling2D(3, 2)(x)
    x = _conv(x, "Conv2d_3b_1x1", 80, 1)
    x = _conv(x, "Conv2d_4a_3x3", 192, 3, padding="valid")
    outputs["pool_2"] = x = layers.MaxPooling2D(3, 2)(x)
    x = _block_a(x, "Mixed_5b.", 32)
    x = _block_a(x, "Mixed_5c.", 64)
    x = outputs["Mixed_5d"] = _block_a(x, "Mixed_5d.", 64)
    x = _block_b(x, "Mixed_6a.")
    x = _block_c(x, "Mixed_6b.", 128)
    x = _block_c(x, "Mixed_6c.", 160)
    x = _block_c(x, "Mixed_6d.", 160)
    x = outputs["Mixed_6e"] = _block_c(x, "Mixed_6e.", 192)
    x = _block_d(x, "Mixed_7a.")
    x = _block_e(x, "Mixed_7b.", layers.AveragePooling2D)
    x = outputs["Mixed_7c"] = _block_e(x, "Mixed_7c.", layers.MaxPooling2D)
    outputs["features"] = layers.GlobalAveragePooling2D(name="features")(x)
    model = keras.Model(inputs, outputs, name="inception")
    set_weights(model, state)
    return model


def resize(pictures: np.ndarray) -> np.ndarray:
    """Returns pictures of 0..255 as pytorch-fid gives them to the network.

    (n, height, width, 3) to (n, 299, 299, 3): bilinear between pixel centers and not antialiased,
    then scaled to [-1, 1].
    """
    scaled = np.asarray(pictures, "float32") / 255
    resized = keras.ops.image.resize(scaled, (SIZE, SIZE), interpolation="bilinear")
    return 2 * keras.ops.convert_to_numpy(resized) - 1


def find_weights(
    path: str | os.PathLike | None = None, *, url: str = URL, folder: str | None = None
) -> pathlib.Path:
    """Returns the file of the weights: `path`, or one that is downloaded once and kept.

    Args:
        path: the file pt_inception-2015-12-05-6726825d.pth, where it was downloaded already.
        url: where to get it, 91 MB.
        folder: where to keep it; `datasets` in Keras' own folder unless given.

    Raises:
        MetricError: it is not there, cannot be downloaded, or is another file.
    """
    if path is None:
        try:
            path = keras.utils.get_file(FILE, url, cache_dir=folder)
        except Exception as error:  # get_file itself raises no narrower one
            raise MetricError(
                f"The weights of the FID's network cannot be downloaded ({error}). Get {FILE} from "
                f"{url} and give its path, or measure with --features=efficientnet_lite0."
            ) from error
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise MetricError(f"{path} is not a file; expected {FILE}, from {url}.")
    digest = sha256(path)
    if not digest.startswith(_DIGEST):
        raise MetricError(
            f"{path} is not the FID's network: its SHA-256 begins with {digest[:8]}, expected "
            f"{_DIGEST}. Delete it and get {url}."
        )
    return path


def _conv(x, name, channels, kernel, strides=1, padding="same"):
    """Applies convolution, norm and ReLU; PyTorch pads odd kernels of stride 1 as "same" does."""
    x = layers.Conv2D(channels, kernel, strides, padding, use_bias=False, name=f"{name}.conv")(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}.bn")(x)
    return layers.ReLU()(x)


def _chain(x, name, *steps):
    """Applies convolutions `name`1, `name`2 and so on, each of (channels, kernel)."""
    for number, (channels, kernel) in enumerate(steps, 1):
        x = _conv(x, f"{name}{number}", channels, kernel)
    return x


def _join(*branches):
    return layers.Concatenate()(branches)


def _pooled(x, name, channels, pooling=layers.AveragePooling2D):
    return _conv(pooling(3, 1, "same")(x), f"{name}branch_pool", channels, 1)


def _block_a(x, name, pool_channels):
    return _join(
        _conv(x, f"{name}branch1x1", 64, 1),
        _chain(x, f"{name}branch5x5_", (48, 1), (64, 5)),
        _chain(x, f"{name}branch3x3dbl_", (64, 1), (96, 3), (96, 3)),
        _pooled(x, name, pool_channels),
    )


def _block_b(x, name):
    double = _chain(x, f"{name}branch3x3dbl_", (64, 1), (96, 3))
    return _join(
        _conv(x, f"{name}branch3x3", 384, 3, 2, "valid"),
        _conv(double, f"{name}branch3x3dbl_3", 96, 3, 2, "valid"),
        layers.MaxPooling2D(3, 2)(x),
    )


def _block_c(x, name, n):
    wide, high = (1, 7), (7, 1)
    return _join(
        _conv(x, f"{name}branch1x1", 192, 1),
        _chain(x, f"{name}branch7x7_", (n, 1), (n, wide), (192, high)),
        _chain(x, f"{name}branch7x7dbl_", (n, 1), (n, high), (n, wide), (n, high), (192, wide)),
        _pooled(x, name, 192),
    )


def _block_d(x, name):
    three = _conv(x, f"{name}branch3x3_1", 192, 1)
    seven = _chain(x, f"{name}branch7x7x3_", (192, 1), (192, (1, 7)), (192, (7, 1)))
    return _join(
        _conv(three, f"{name}branch3x3_2", 320, 3, 2, "valid"),
        _conv(seven, f"{name}branch7x7x3_4", 192, 3, 2, "valid"),
        layers.MaxPooling2D(3, 2)(x),
    )


def _block_e(x, name, pooling):
    three = _conv(x, f"{name}branch3x3_1", 384, 1)
    double = _chain(x, f"{name}branch3x3dbl_", (448, 1), (384, 3))
    return _join(
        _conv(x, f"{name}branch1x1", 320, 1),
        _conv(three, f"{name}branch3x3_2a", 384, (1, 3)),
        _conv(three, f"{name}branch3x3_2b", 384, (3, 1)),
        _conv(double, f"{name}branch3x3dbl_3a", 384, (1, 3)),
        _conv(double, f"{name}branch3x3dbl_3b", 384, (3, 1)),
        _pooled(x, name, 192, pooling),
    )
