"""What can go wrong with translating."""


class InferenceError(ValueError):
    """Pictures or a model that cannot be used; the message says what to do."""


class PictureError(InferenceError):
    """One picture that cannot be read, translated or written; others still can."""


class WriteError(InferenceError):
    """Nothing can be written any more, on a full disk for example."""

    exit_code = 1  # of a program that ends with it
