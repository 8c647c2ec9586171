"""Says how good a model is, by numbers that come with what they mean and pictures to look at."""

from cyclegan_keras.evaluation.errors import EvaluationError
from cyclegan_keras.evaluation.features import open_features
from cyclegan_keras.evaluation.ground_truth import ground_truth
from cyclegan_keras.evaluation.options import EvaluationOptions
from cyclegan_keras.evaluation.protocol import Evaluation, Pictures, evaluate

__all__ = [
    "Evaluation",
    "EvaluationError",
    "EvaluationOptions",
    "Pictures",
    "evaluate",
    "ground_truth",
    "open_features",
]
