"""What a receipt of a compression holds: what was made of what, its cost and how good it is."""

import dataclasses
import datetime
import json
import platform
from collections.abc import Mapping
from typing import Any

from cyclegan_keras.compression.inherited import Inherited
from cyclegan_keras.compression.measuring import STUDENT, Costs
from cyclegan_keras.compression.quality import Quality
from cyclegan_keras.runs.run import versions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The model that was compressed.

    Attributes:
        name: of the run or the file.
        path: as it was given.
        sha256: of the weights of each of its networks, in the order of the directions.
        shape: of its networks, such as "64x9".
        step: of its training, where that is known.
    """

    name: str
    path: str
    sha256: tuple[str, ...]
    shape: str
    step: int | None = None

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Source":
        """Reads what `dataclasses.asdict` made of one."""
        known = dict(fields)
        known["sha256"] = tuple(fields["sha256"])
        return cls(**known)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TriedShape:
    """A shape that was considered for the student.

    Attributes:
        shape: such as "16x6".
        macs: multiplications of its convolutions.
        parameters: numbers that it holds.
        kb: of its file; None where that was not asked for.
        ms: of its file for a picture; None where that was not asked for.
        fits: whether it meets all targets.
    """

    shape: str
    macs: int
    parameters: int
    kb: float | None
    ms: float | None
    fits: bool

    @classmethod
    def of(cls, candidate) -> "TriedShape":
        """Returns what a `search.Candidate` says."""
        return cls(
            shape=str(candidate.shape),
            macs=candidate.macs,
            parameters=candidate.parameters,
            kb=candidate.kb,
            ms=candidate.ms,
            fits=candidate.fits,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TargetResult:
    """What the students cost beside what was asked for.

    Attributes:
        name: "kb", "ms" or "macs".
        most: what was asked for.
        found: what the dearer student was found to cost; None where it was not measured.
    """

    name: str
    most: float
    found: float | None

    @property
    def is_exceeded(self) -> bool:
        """Whether a student is known to cost more."""
        return self.found is not None and self.found > self.most


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompressedDirection:
    """What is known of one direction.

    Attributes:
        signature: "a_to_b" or "b_to_a".
        words: such as "horse to zebra".
        costs: of teacher and student.
        quality: of the student; None where there are too few pictures to judge it on.
        inherited: from the teacher; None where the student began with random weights.
    """

    signature: str
    words: str
    costs: Costs
    quality: Quality | None = None
    inherited: Inherited | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Receipt:
    """All that a reader must know of a compression.

    Attributes:
        teacher: the model that was compressed.
        shape: of the student, such as "16x6".
        targets: what was asked for, such as {"kb": 1000}; empty where the shape was given.
        variant: the TFLite variant that targets of kB and ms mean.
        data: the data set or the folder of the pictures.
        directions: one for each student.
        shapes: those that were tried, in their order.
        options: all options of the compression.
        steps: of training.
        seconds: spent, by what they were spent on.
        notes: what a reader must know besides, a sentence each.
        created: when, in ISO 8601; now unless given.
        machine: system and processor; this one unless given.
        versions: of the packages; those installed unless given.

    Example:
        receipt = Receipt(teacher=..., shape="16x6", ...)
        write_receipt(receipt, run.directory)  # of receipt_files.py
    """

    teacher: Source
    shape: str
    targets: Mapping[str, float]
    variant: str
    data: str
    directions: tuple[CompressedDirection, ...]
    shapes: tuple[TriedShape, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    steps: int = 0
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    created: str = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="seconds"
        )
    )
    machine: str = dataclasses.field(
        default_factory=lambda: f"{platform.system()} {platform.machine()}"
    )
    versions: Mapping[str, str] = dataclasses.field(default_factory=versions)

    def target_results(self) -> list[TargetResult]:
        """Returns what was found out about each target."""
        results = []
        for name, most in self.targets.items():
            found = [_found(each.costs, self.variant, name) for each in self.directions]
            is_known = None not in found
            results.append(
                TargetResult(name=name, most=most, found=max(found) if is_known else None)
            )
        return results

    def to_dict(self) -> dict[str, Any]:
        """Returns what receipt.json holds."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Receipt":
        """Reads what `to_dict` returned; fields of later versions are ignored."""
        known = {field.name: fields[field.name] for field in dataclasses.fields(cls)}
        known["teacher"] = Source.from_dict(fields["teacher"])
        known["directions"] = tuple(_direction(each) for each in fields["directions"])
        known["shapes"] = tuple(TriedShape(**each) for each in fields["shapes"])
        known["notes"] = tuple(fields["notes"])
        return cls(**known)


def _found(costs: Costs, variant: str, name: str) -> float | None:
    """Returns what a student costs by the measure of a target; None where that is not known."""
    if name == "macs":
        return costs.network(STUDENT).macs
    file = costs.file(STUDENT, variant)
    return None if file is None else vars(file)[name]


def _direction(fields: Mapping[str, Any]) -> CompressedDirection:
    quality, inherited = fields["quality"], fields["inherited"]
    return CompressedDirection(
        signature=fields["signature"],
        words=fields["words"],
        costs=Costs.from_dict(fields["costs"]),
        quality=None if quality is None else Quality.from_dict(quality),
        inherited=None if inherited is None else Inherited.from_dict(inherited),
    )
