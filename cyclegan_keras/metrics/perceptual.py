"""How far a classifier's middle layers see a translation from its input."""

from collections.abc import Sequence

import numpy as np

from cyclegan_keras.metrics.base import Measure, Pictures
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.intervals import bootstrap_interval

_BATCH = 16  # their maps fit in memory


def perceptual_distance(
    network: FeatureNetwork, a: Sequence[np.ndarray], b: Sequence[np.ndarray]
) -> np.ndarray:
    """Returns the perceptual distance of each picture of `a` to its partner in `b`; float64 (n,).

    At every place of every middle layer the channels are scaled to length 1; the squared distance
    of the two vectors is averaged over places, then over layers. 0: alike; 2: nothing in common; 4:
    opposite.

    This is the unweighted form of Zhang et al.: no layer or channel was weighted by what people
    find similar, and the network is another one. So it is no LPIPS, and must not be called so.

    Args:
        network: gives the middle layers.
        a: uint8 pictures, (n, height, width, 3), or a sequence of pictures of any sizes.
        b: likewise, as many; the sizes of two partners may differ.

    Reference:
        Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
        2018, section 3, equation 1.
    """
    parts = [
        _layer_distances(network, a[start : start + _BATCH], b[start : start + _BATCH])
        for start in range(0, len(a), _BATCH)
    ]
    return np.concatenate(parts)


def perceptual_measures(pictures: Pictures) -> list[Measure]:
    """Returns how far translations are from their inputs: what was kept of them."""
    network, translated = pictures.need("The perceptual distance", "network", "translated")
    distances = perceptual_distance(network, pictures.inputs, translated)
    others = np.roll(np.arange(len(translated)), 1)
    unrelated = perceptual_distance(network, pictures.inputs, [translated[i] for i in others])
    low, high = bootstrap_interval(distances, seed=pictures.seed)
    return [
        Measure(
            name="Perceptual distance to the input",
            value=float(distances.mean()),
            low=low,
            high=high,
            floor=0.0,
            ceiling=0.0,
            better="lower",
            n=(len(distances),),
            features=network.name,
            protocol="mean squared distance of unit-length middle layers, unweighted (not LPIPS); n "
            f"of pairs; {network.protocol}; percentile bootstrap over pairs",
            chance=float(unrelated.mean()) if len(distances) > 1 else None,
            note="A copy is perfectly faithful: read it together with a distance to real pictures.",
        )
    ]


def _layer_distances(network, a, b):
    layers = zip(network.middle(a), network.middle(b), strict=True)
    return np.mean([_distance(x, y) for x, y in layers], axis=0)


def _distance(x, y):
    """(n, height, width, channels) twice to (n,)."""
    return np.sum(np.square(_unit(x) - _unit(y)), axis=-1).mean(axis=(1, 2))


def _unit(x):
    x = np.asarray(x, "float64")
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-10)
