"""Networks whose features of pictures are compared, behind one interface."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.resizing import resize
from cyclegan_keras.metrics import efficientnet_lite0, inception


class FeatureNetwork:
    """Computes features of pictures, maps of middle layers and probabilities of classes.

    Pictures are uint8, (n, height, width, 3), or a sequence of (height, width, 3) of any sizes;
    a single channel is repeated three times.

    Args:
        name: of the features, as measures give it.
        protocol: what `preprocess` does, in words.
        model: gives a dict with `features` and the maps named in `middle`.
        middle: names of the maps, finest first.
        prepare: one picture (height, width, 3) of uint8 to (side, side, 3) of float32.
        classify: features (n, d) to probabilities (n, 1000) in the order of ILSVRC 2012, or None.
        batch_size: pictures in one pass.
    """

    def __init__(
        self,
        *,
        name: str,
        protocol: str,
        model: keras.Model,
        middle: Sequence[str],
        prepare: Callable[[np.ndarray], np.ndarray],
        classify: Callable[[np.ndarray], np.ndarray] | None = None,
        batch_size: int = 32,
    ):
        self.name = name
        self.protocol = protocol
        self.batch_size = batch_size
        self._prepare = prepare
        self._classify = classify
        self._features = keras.Model(model.inputs, model.output["features"])
        self._names = tuple(middle)
        self._middle = keras.Model(model.inputs, {name: model.output[name] for name in middle})

    def preprocess(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Returns pictures as the network takes them, float32 (n, side, side, 3).

        Raises:
            MetricError: something else than uint8 pictures of one or three channels.
        """
        return np.stack([self._prepare(_three_channels(picture)) for picture in pictures])

    def features(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the features, float32 (n, d)."""
        return np.concatenate([self._run(self._features, part) for part in self._parts(pictures)])

    def middle(self, pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the maps of middle layers, each float32 (n, height, width, channels).

        They take megabytes a picture: give few at once.
        """
        maps = [self._run(self._middle, part) for part in self._parts(pictures)]
        return [np.concatenate([part[name] for part in maps]) for name in self._names]

    def classify(self, features: np.ndarray) -> np.ndarray:
        """Returns the probabilities, (n, 1000) in the order of ILSVRC 2012, out of features.

        Raises:
            MetricError: the network has no such classes.
        """
        if self._classify is None:
            raise MetricError(
                f"The features {self.name!r} have no classes of ILSVRC 2012; measure hits with "
                "--features=efficientnet_lite0."
            )
        return self._classify(features)

    def probabilities(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the probabilities of the classes of pictures; see `classify`."""
        return self.classify(self.features(pictures))

    def _parts(self, pictures):
        if not len(pictures):
            raise MetricError("There are no pictures to compute features of.")
        for start in range(0, len(pictures), self.batch_size):
            yield pictures[start : start + self.batch_size]

    def _run(self, model, pictures):
        return model.predict_on_batch(self.preprocess(pictures))


def efficientnet_lite0_features(state: Mapping[str, np.ndarray]) -> FeatureNetwork:
    """Returns EfficientNet-Lite0's averaged features, 1280 a picture.

    It was trained on the middle of each picture. Here it sees the whole picture, so that no part of
    a translation is ignored.
    """
    model, side = efficientnet_lite0.efficientnet_lite0(state), efficientnet_lite0.SIZE

    def prepare(picture):
        return efficientnet_lite0.scale(resize(picture, (side, side)))

    kernel, bias = model.get_layer("_fc").get_weights()
    return FeatureNetwork(
        name="efficientnet_lite0",
        protocol=f"whole pictures to {side}x{side} by Pillow's bicubic",
        model=model,
        middle=efficientnet_lite0.MIDDLE,
        prepare=prepare,
        classify=lambda features: _softmax(features @ kernel + bias),
    )


def inception_features(state: Mapping[str, np.ndarray]) -> FeatureNetwork:
    """Returns the FID's features, pool3 of Inception, 2048 a picture."""
    return FeatureNetwork(
        name="inception",
        protocol=f"whole pictures to {inception.SIZE}x{inception.SIZE} as pytorch-fid: bilinear, "
        "not antialiased",
        model=inception.inception(state),
        middle=inception.MIDDLE,
        prepare=lambda picture: inception.resize(picture[None])[0],
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureSource:
    """Where a feature network comes from.

    Attributes:
        find_weights: a path, or None for the usual one, to the path of PyTorch's file of weights;
            where there is none, MetricError says what to do.
        build: PyTorch's state dict to the network.
    """

    find_weights: Callable[..., pathlib.Path]
    build: Callable[[Mapping[str, np.ndarray]], FeatureNetwork]


FEATURES = {
    "efficientnet_lite0": FeatureSource(
        find_weights=efficientnet_lite0.find_weights, build=efficientnet_lite0_features
    ),
    "inception": FeatureSource(find_weights=inception.find_weights, build=inception_features),
}


def _three_channels(picture):
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise MetricError(
            "Feature networks expect uint8 pictures of (height, width, 3). Received: "
            f"{picture.dtype} {picture.shape}."
        )
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
