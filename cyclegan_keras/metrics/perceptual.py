"""How far translations are from their inputs in the middle layers of a classifier."""

import math
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.intervals import bootstrap_interval

_BATCH = 16  # their maps fit in memory


def perceptual_distance(
    network: FeatureNetwork, a: Sequence[np.ndarray], b: Sequence[np.ndarray]
) -> np.ndarray:
    """Returns the perceptual distance of each picture of `a` to its partner in `b`; float64 (n,).

    At every position of every middle layer the channels are scaled to length 1. The squared
    distance of the two vectors is averaged over positions, then over layers. 0: alike; 2: nothing
    in common; 4: opposite.

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
    return _distances(network, a, b)[0]


def perceptual_measures(evidence: Evidence) -> list[Measure]:
    """Returns how far translations are from their inputs: what was kept of them."""
    network, _ = evidence.need("network", "translated")
    distances, unrelated = _distances(
        network, evidence.views("inputs"), evidence.views("translated")
    )
    low, high = bootstrap_interval(distances, seed=evidence.seed)
    return [
        Measure(
            name="Perceptual distance to the input",
            value=float(distances.mean()),
            low=low,
            high=high,
            real_score=0.0,
            copy_score=0.0,
            better="lower",
            n=(len(distances),),
            features=network.name,
            protocol="squared distance of unit-length middle layers, mean over positions and "
            f"layers, unweighted (not LPIPS); n counts pairs; {evidence.features_protocol}; "
            "percentile bootstrap over pairs",
            chance=float(unrelated.mean()) if len(distances) > 1 else None,
            note="Copies are perfectly faithful: read the perceptual distance together with a "
            "distance to real pictures.",
        )
    ]


def _distances(network, a, b):
    """Returns the distances of partners, and of each picture to its neighbor's partner; (n,) each.

    The neighbor is the one before in the same batch; the first one's is the last.
    """
    to_partners, to_neighbors = [], []
    for part in np.array_split(np.arange(len(a)), math.ceil(len(a) / _BATCH)):
        layers_a = network.middle([a[i] for i in part])
        layers_b = network.middle([b[i] for i in part])
        partners, neighbors = [], []
        for x, y in zip(layers_a, layers_b, strict=True):
            x, y = _unit(x), _unit(y)
            partners.append(_distance(x, y))
            neighbors.append(_distance(x, np.roll(y, 1, axis=0)))
        to_partners.append(np.mean(partners, axis=0))
        to_neighbors.append(np.mean(neighbors, axis=0))
    return (
        np.concatenate(to_partners).astype("float64"),
        np.concatenate(to_neighbors).astype("float64"),
    )


def _distance(x, y):
    """Returns the mean squared distance of two maps (n, height, width, channels); (n,)."""
    return np.sum(np.square(x - y), axis=-1).mean(axis=(1, 2))


def _unit(x):
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-10)
