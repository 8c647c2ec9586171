"""The one error of this room."""


class CheckpointError(ValueError):
    """A file that cannot be read as the weights of a network; the message says why."""
