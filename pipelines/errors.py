"""What the user can put right."""


class DataError(ValueError):
    """Data or data options that cannot be used.

    The message is a sentence or two for the user: what was given, what was expected, what to do.
    """


class PictureError(ValueError):
    """One picture that cannot be read; the message is the reason."""
