"""What can go wrong with translating."""


class InferenceError(ValueError):
    """Pictures or a model that cannot be used; the message says what to do."""
