"""Numbers that say how good a translation is; none comes alone."""

from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.errors import MetricError
from cyclegan_keras.metrics.features import FEATURES, FeatureNetwork
from cyclegan_keras.metrics.frechet import frechet_measures
from cyclegan_keras.metrics.hit_rate import hit_rate_measures
from cyclegan_keras.metrics.kid import kid_measures
from cyclegan_keras.metrics.paired import cycle_measures, paired_error, paired_measures
from cyclegan_keras.metrics.perceptual import perceptual_measures
from cyclegan_keras.metrics.steganography import steganography_measures

# Each takes `Evidence` and returns a list of `Measure`, or raises MetricError that tells what it
# lacks.
METRICS = {
    "kid": kid_measures,
    "frechet": frechet_measures,
    "hit_rate": hit_rate_measures,
    "perceptual": perceptual_measures,
    "cycle": cycle_measures,
    "paired": paired_measures,
    "steganography": steganography_measures,
}

__all__ = [
    "FEATURES",
    "METRICS",
    "Evidence",
    "FeatureNetwork",
    "Measure",
    "MetricError",
    "paired_error",
]
