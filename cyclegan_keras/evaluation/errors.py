"""What can go wrong with an evaluation."""


class EvaluationError(ValueError):
    """Pictures or measures that cannot be evaluated; the message says what to do."""
