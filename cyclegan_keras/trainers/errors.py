"""What can be wrong with a training that somebody asked for."""


class TrainerError(ValueError):
    """Options that do not fit the networks; the message says what to do."""
