"""Numbers that say how good a translation is."""

from cyclegan_keras.metrics.paired import paired_error

METRICS = {"paired_error": paired_error}

__all__ = ["METRICS", "paired_error"]
