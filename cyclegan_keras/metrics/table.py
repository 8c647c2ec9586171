"""The measures that can be named on the command line."""

import dataclasses
from collections.abc import Callable

from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.frechet import frechet_measures
from cyclegan_keras.metrics.hit_rate import hit_rate_measures
from cyclegan_keras.metrics.kid import kid_measures
from cyclegan_keras.metrics.paired import cycle_measures, paired_measures
from cyclegan_keras.metrics.perceptual import perceptual_measures
from cyclegan_keras.metrics.segmentation import segmentation_measures
from cyclegan_keras.metrics.steganography import steganography_measures


@dataclasses.dataclass(frozen=True)
class Metric:
    """A way to measure translations.

    Attributes:
        title: what readers see where it could not be measured.
        measure: `Evidence` to one or several measures; MetricError says what it lacks.
        needs_features: whether it looks at pictures through a feature network.
        is_default: whether it is computed unless metrics are named.
    """

    title: str
    measure: Callable[[Evidence], list[Measure]]
    needs_features: bool = False
    is_default: bool = True


METRICS = {
    "kid": Metric("KID", kid_measures, needs_features=True),
    "frechet": Metric("Frechet distance", frechet_measures, needs_features=True),
    "hit_rate": Metric("hit rate", hit_rate_measures, needs_features=True),
    "perceptual": Metric(
        "perceptual distance to the input", perceptual_measures, needs_features=True
    ),
    "cycle": Metric("cycle error", cycle_measures),
    "paired": Metric("error against the true counterparts", paired_measures),
    "steganography": Metric("hidden information (steganography)", steganography_measures),
    "segmentation": Metric(
        "agreement with label maps (segmentation)", segmentation_measures, is_default=False
    ),
}
DEFAULT_METRICS = tuple(name for name, metric in METRICS.items() if metric.is_default)
