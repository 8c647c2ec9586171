"""Whether the students of the adversarial part of a compression are better than those before it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.evaluation.protocol import Pictures, translate_all
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.kid import kid_measures
from cyclegan_keras.translation.translator import Translator


@dataclasses.dataclass(frozen=True)
class Kept:
    """Which students are kept.

    Attributes:
        adversarial: whether those are kept that were trained adversarially.
        why: a sentence.
    """

    adversarial: bool
    why: str


def kid_of(
    student: Translator, pictures: Pictures, *, network: FeatureNetwork, seed: int = 0
) -> Measure:
    """Returns the KID of a student's translations to real pictures of the target.

    Args:
        student: of one direction.
        pictures: of that direction.
        network: computes features.
        seed: of the subsets.

    Raises:
        MetricError: there are too few pictures.
    """
    translated, _ = translate_all(
        student,
        None,
        pictures.inputs,
        title=student.description.words,
        source_form=pictures.source_form,
        target_form=pictures.target_form,
    )
    evidence = Evidence(
        inputs=pictures.inputs,
        translated=translated,
        real=pictures.real or None,
        other_real=pictures.other_real or None,
        network=network,
        seed=seed,
        source_values=pictures.source_form.values,
        target_values=pictures.target_form.values,
    )
    (measure,) = kid_measures(evidence)
    return measure


def keep_better(distilled: Sequence[Measure], adversarial: Sequence[Measure]) -> Kept:
    """Returns which students are kept: those of the lower KID; of equal ones the distilled.

    Args:
        distilled: the KID of each direction before the adversarial part.
        adversarial: the same after it.

    Raises:
        ValueError: there is no KID of either, or not as many of both.
    """
    if not distilled or len(distilled) != len(adversarial):
        raise ValueError(
            "`distilled` and `adversarial` must hold a KID for each direction. Received: "
            f"{len(distilled)} and {len(adversarial)}."
        )
    before = float(np.mean([each.value for each in distilled]))
    after = float(np.mean([each.value for each in adversarial]))
    is_better = after < before
    kept, other = (adversarial, distilled) if is_better else (distilled, adversarial)
    names = ("after", "before") if is_better else ("before", "after")
    overlap = any(
        one.low <= another.high and another.low <= one.high
        for one, another in zip(distilled, adversarial, strict=True)
    )
    sentence = (
        f"The students {names[0]} the adversarial part are kept: their KID to real pictures is "
        f"{_numbers(kept)}, and that of the students {names[1]} it is {_numbers(other)}"
    )
    if overlap:
        sentence += "; the intervals overlap, so that other pictures might have chosen the others"
    return Kept(is_better, f"{sentence}.")


def _numbers(measures: Sequence[Measure]) -> str:
    return " and ".join(
        f"{each.value:.3g} (95 %: {each.low:.3g} to {each.high:.3g})" for each in measures
    )
