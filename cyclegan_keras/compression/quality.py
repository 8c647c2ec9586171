"""How good a student is: beside its teacher, real pictures and the truth."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cyclegan_keras.compression.estimates import Estimate
from cyclegan_keras.compression.likeness import Likeness, likeness
from cyclegan_keras.evaluation.protocol import Pictures, translate_all
from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.kid import kid_measures
from cyclegan_keras.metrics.paired import as_copies, paired_measures
from cyclegan_keras.translation.translator import Translator

STUDENT, COPY, MIRRORED = "student", "copy", "teacher mirrored"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Translated:
    """Pictures of one direction and what teacher and student make of them.

    Attributes:
        source: name of the domain that is translated.
        target: name of the domain that it is translated to.
        pictures: the real ones; `real` may be empty where there are none of the target.
        teacher: the teacher's translations, arrays of the target's form.
        student: the student's.
        mirrored: the teacher's of the mirrored pictures, mirrored back.
    """

    source: str
    target: str
    pictures: Pictures
    teacher: Sequence[np.ndarray]
    student: Sequence[np.ndarray]
    mirrored: Sequence[np.ndarray]

    @property
    def words(self) -> str:
        """The direction in words."""
        return f"{self.source} to {self.target}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """A measure of the teacher's translations and of the student's.

    Attributes:
        name: "KID" or "L1 to the truth".
        better: "lower" or "higher".
        teacher: what the teacher gets.
        student: what the student gets.
        real_score: what real pictures get; None where that is not known.
        copy_score: what copies of the inputs get; None where that is not known.
        protocol: how it was measured, in words.
    """

    name: str
    better: str
    teacher: Estimate
    student: Estimate
    real_score: float | None
    copy_score: float | None
    protocol: str

    @property
    def is_told_apart(self) -> bool:
        """Whether the intervals of teacher and student have nothing in common."""
        teacher, student = self.teacher, self.student
        return student.low > teacher.high or teacher.low > student.high

    @classmethod
    def of(cls, teacher: Measure, student: Measure) -> "Comparison":
        """Returns the same measure of both, side by side."""
        protocol = f"{student.protocol}; features: {student.features}."
        return cls(
            name=student.name,
            better=student.better,
            teacher=_estimate(teacher),
            student=_estimate(student),
            real_score=_finite_or_none(student.real_score),
            copy_score=_finite_or_none(student.copy_score),
            protocol=f"{protocol} {student.note}".rstrip(),
        )

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Comparison":
        """Reads what `dataclasses.asdict` made of one."""
        known = dict(fields)
        known["teacher"] = Estimate.from_dict(fields["teacher"])
        known["student"] = Estimate.from_dict(fields["student"])
        return cls(**known)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quality:
    """How good a student is in one direction.

    Attributes:
        count: pictures that were translated.
        likeness: to the teacher: of the student, and of the yardsticks that exist.
        comparisons: of teacher and student by measures that do not know the teacher.
        left_out: a sentence for each comparison that could not be made.
        unit: of errors and offsets, in words.
        is_held_out: whether the pictures are others than those of the training.
        preparation: how the pictures were scaled and cropped, a sentence; "" where it is not known.
    """

    count: int
    likeness: tuple[Likeness, ...]
    comparisons: tuple[Comparison, ...]
    left_out: tuple[str, ...]
    unit: str
    is_held_out: bool = True
    preparation: str = ""

    @property
    def pictures(self) -> str:
        """What was translated, in words, such as "100 held-out pictures"."""
        kind = "held-out" if self.is_held_out else "training"
        return f"{self.count} {kind} picture{'' if self.count == 1 else 's'}"

    def of(self, name: str) -> Likeness | None:
        """Returns the likeness of "student", "copy" or "teacher mirrored"; None without one."""
        return next((each for each in self.likeness if each.of == name), None)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Quality":
        """Reads what `dataclasses.asdict` made of one."""
        return cls(
            count=fields["count"],
            likeness=tuple(Likeness.from_dict(each) for each in fields["likeness"]),
            comparisons=tuple(Comparison.from_dict(each) for each in fields["comparisons"]),
            left_out=tuple(fields["left_out"]),
            unit=fields["unit"],
            is_held_out=fields.get("is_held_out", True),
            preparation=fields.get("preparation", ""),
        )


def translate_by_both(teacher: Translator, student: Translator, pictures: Pictures) -> Translated:
    """Has teacher and student translate pictures.

    Args:
        teacher: of one direction; takes twice as long as one translation of each picture, since
            the mirrored ones are translated, too.
        student: of the same direction; its description names the domains.
        pictures: real ones, see `evaluation.held_out.pictures_of`; `real` may be empty.
    """
    source, target = student.description.source, student.description.target
    mirrored_inputs = [mirrored(picture) for picture in pictures.inputs]
    jobs = {
        "teacher": (teacher, pictures.inputs),
        "teacher mirrored": (teacher, mirrored_inputs),
        "student": (student, pictures.inputs),
    }
    translations = {}
    for name, (translate, inputs) in jobs.items():
        translations[name], _ = translate_all(
            translate,
            None,
            inputs,
            title=f"{name}, {source} to {target}",
            source_form=pictures.source_form,
            target_form=pictures.target_form,
        )
    return Translated(
        source=source,
        target=target,
        pictures=pictures,
        teacher=translations["teacher"],
        student=translations["student"],
        mirrored=[mirrored(picture) for picture in translations["teacher mirrored"]],
    )


def judge(
    translated: Translated,
    *,
    network: FeatureNetwork | None = None,
    seed: int = 0,
    is_held_out: bool = True,
    preparation: str = "",
) -> Quality:
    """Returns how good a student is on some pictures.

    Args:
        translated: see `translate_by_both`.
        network: computes the features of the KID, see `evaluation.features.open_features`; None
            leaves the KID out, and says so.
        seed: of the intervals, and of the subsets of the KID.
        is_held_out: whether the pictures are others than those of the training.
        preparation: how the pictures were scaled and cropped, a sentence.
    """
    pictures = translated.pictures
    values = pictures.target_form.values

    # ---- likeness to the teacher ----
    compared = {STUDENT: translated.student, MIRRORED: translated.mirrored}
    if pictures.source_form.channels == pictures.target_form.channels:
        source_values = pictures.source_form.values
        compared[COPY] = [
            as_copies(to_float(picture), source_values, values).astype("float32")
            for picture in pictures.inputs
        ]
    found = [
        likeness(name, each, translated.teacher, values=values, seed=seed)
        for name, each in compared.items()
    ]

    # ---- real pictures and the truth ----
    evidence = Evidence(
        inputs=pictures.inputs,
        translated=translated.teacher,
        real=pictures.real or None,
        other_real=pictures.other_real or None,
        truth=pictures.truth,
        network=network,
        domain=translated.target,
        seed=seed,
        source_values=pictures.source_form.values,
        target_values=values,
    )
    of_student = evidence.replace(translated=translated.student)
    comparisons, left_out = [], []
    for name, measure in (("KID", kid_measures), ("error to the truth", _errors_to_truth)):
        try:
            for each, other in zip(measure(evidence), measure(of_student), strict=True):
                comparisons.append(Comparison.of(each, other))
        except MetricError as error:
            left_out.append(f"The {name} is left out: {error}")
    unit = "gray levels of 255" if values.is_eight_bit else f"units on a scale of {values.words}"
    return Quality(
        count=len(pictures.inputs),
        likeness=tuple(found),
        comparisons=tuple(comparisons),
        left_out=tuple(left_out),
        unit=unit,
        is_held_out=is_held_out,
        preparation=preparation,
    )


def mirrored(picture: np.ndarray) -> np.ndarray:
    """Returns (height, width, channels) with left and right exchanged."""
    return np.ascontiguousarray(picture[:, ::-1])


def _errors_to_truth(evidence: Evidence) -> list[Measure]:
    return [each for each in paired_measures(evidence) if each.name == "L1 to the truth"]


def _estimate(measure: Measure) -> Estimate:
    return Estimate(value=measure.value, low=measure.low, high=measure.high)


def _finite_or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None
