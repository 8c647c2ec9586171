"""How far a classifier's middle layers see a translation from its input."""

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
    return _distances(network, a, b)[0]


def perceptual_measures(evidence: Evidence) -> list[Measure]:
    """Returns how far translations are from their inputs: what was kept of them."""
    network, translated = evidence.need("The perceptual distance", "network", "translated")
    distances, unrelated = _distances(network, evidence.inputs, translated)
    low, high = bootstrap_interval(distances, seed=evidence.seed)
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
            protocol="squared distance of unit-length middle layers, mean over places and layers, "
            f"unweighted (not LPIPS); n of pairs; {network.protocol}; percentile bootstrap over "
            "pairs",
            chance=float(unrelated.mean()) if len(distances) > 1 else None,
            note="A copy is perfectly faithful: read it together with a distance to real pictures.",
        )
    ]


def _distances(network, a, b):
    """Distances of partners, and of each picture to its neighbour's partner; (n,) twice."""
    found = []
    for part in np.array_split(np.arange(len(a)), -(-len(a) // _BATCH)):
        mine, theirs = (network.middle([side[i] for i in part]) for side in (a, b))
        layers = [(_unit(x), _unit(y)) for x, y in zip(mine, theirs, strict=True)]
        partners = [_distance(x, y) for x, y in layers]
        neighbours = [_distance(x, np.roll(y, 1, axis=0)) for x, y in layers]
        found.append((np.mean(partners, axis=0), np.mean(neighbours, axis=0)))
    return tuple(np.concatenate(each).astype("float64") for each in zip(*found, strict=True))


def _distance(x, y):
    """(n, height, width, channels) twice to (n,)."""
    return np.sum(np.square(x - y), axis=-1).mean(axis=(1, 2))


def _unit(x):
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-10)
