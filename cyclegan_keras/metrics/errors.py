"""What a user can do wrong with measures."""


class MetricError(ValueError):
    """A measure cannot be taken here; the message says what it needs."""
