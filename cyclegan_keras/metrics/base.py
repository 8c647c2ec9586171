"""Measures, which are numbers with all that is needed to judge them, and what they look at."""

import dataclasses
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.form import to_rgb
from cyclegan_keras.images.values import EIGHT_BIT, Values

_FID = re.compile(r"\bFID\b|inception distance", re.IGNORECASE)

# Why something may be missing that a measure needs; the keys are attributes of `Evidence`.
_MISSING = {
    "translated": "There are no translations.",
    "real": "There are no real pictures of the target.",
    "other_real": "There are no further real pictures of the target to compare the real ones with.",
    "cycled": "The model has no way back (F).",
    "truth": "The pictures have no known counterparts.",
    "network": "There is no feature network.",
    "domain": "It is not known what the target shows.",
    "translate": "There is no model to translate with.",
    "back": "The model has no way back (F).",
    "segmentation": "There is no list of the classes of label maps: give --segmentation_classes.",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A number with all that is needed to judge it; it cannot be made without that.

    `low <= high` is a 95 % interval, of the kind that `protocol` names. Three other numbers show
    what the value means:

    - `real_score`: what real pictures get: either real pictures compared with other real ones, or
      the closed form for perfect translations.
    - `copy_score`: what copying the input gets, that is, no translation at all.
    - `chance`: what pictures paired at random get, for measures of pairs.

    Where one does not exist it is NaN, and `note` says why.

    Attributes:
        name: "KID", for example.
        value: the measured number; may be infinite.
        low: lower end of the interval.
        high: upper end of the interval.
        real_score: see above.
        copy_score: see above.
        better: "lower" or "higher".
        n: how many pictures of each kind, in the order in which `protocol` names them.
        features: the feature network's name, or "pixels".
        protocol: how it was measured, so that it can be repeated.
        stderr: standard error of `value`, where the protocol has one.
        chance: see above.
        note: what the reader must know about this number.
        by_class: the number of each class, for a mean over classes; NaN for classes without one.

    Raises:
        ValueError: something is missing or not a number, or a distance on other features than
            Inception's is to be called FID.
    """

    name: str
    value: float
    low: float
    high: float
    real_score: float
    copy_score: float
    better: str
    n: tuple[int, ...]
    features: str
    protocol: str
    stderr: float | None = None
    chance: float | None = None
    note: str = ""
    by_class: Mapping[str, float] | None = None

    def __post_init__(self):
        for field in ("name", "features", "protocol"):
            text = getattr(self, field)
            self._require(isinstance(text, str) and text.strip(), field, "text")
        for field in ("value", "low", "high"):
            self._require(_is_number(getattr(self, field)), field, "a number")
        self._require(self.low <= self.high, "low", f"no more than `high`, {self.high}")
        references = ["real_score", "copy_score"]
        if self.chance is not None:
            references.append("chance")
        for field in references:
            reference = getattr(self, field)
            is_explained = _is_nan(reference) and self.note
            self._require(
                _is_number(reference) or is_explained,
                field,
                "a number, or NaN and a `note` that says why",
            )
        self._require(self.better in ("lower", "higher"), "better", "'lower' or 'higher'")
        are_counts = isinstance(self.n, tuple) and self.n and all(_is_count(n) for n in self.n)
        self._require(are_counts, "n", "a tuple of counts of pictures")
        if _FID.search(self.name) and self.features != "inception":
            raise ValueError(
                "Only a distance on Inception's features is an FID; call it 'Frechet distance'. "
                f"Received: name={self.name!r}, features={self.features!r}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns the measure as evaluation.json has it.

        There `real_score` is called "floor" and `copy_score` is called "ceiling", as they were
        from the first version on. Infinities and NaN, which JSON lacks, become None. "by_class" is
        there for means over classes alone.
        """
        fields = {
            "name": self.name,
            "value": _finite_or_none(self.value),
            "low": _finite_or_none(self.low),
            "high": _finite_or_none(self.high),
            "floor": _finite_or_none(self.real_score),
            "ceiling": _finite_or_none(self.copy_score),
            "better": self.better,
            "n": list(self.n),
            "features": self.features,
            "protocol": self.protocol,
            "stderr": _finite_or_none(self.stderr),
            "chance": _finite_or_none(self.chance),
            "note": self.note,
        }
        if self.by_class is not None:
            fields["by_class"] = {
                name: _finite_or_none(value) for name, value in self.by_class.items()
            }
        return fields

    def _require(self, is_right, field, expected):
        if not is_right:
            raise ValueError(
                f"`{field}` of a measure must be {expected}. Received: {getattr(self, field)!r}."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the measures of one direction look at.

    Pictures are uint8, (n, height, width, channels), or sequences of (height, width, channels) of
    any sizes. Those of a domain whose values are no levels from 0 to 255 are float32 in [-1, 1].
    What there is not is None; a measure that needs it raises `MetricError`.

    Attributes:
        inputs: real x of the held-out part.
        translated: G(x), as a user would see them.
        real: real y of the held-out part.
        other_real: further real y, for example of the training part. Their distance to `real` is
            what real pictures get; without any, that of every second one of `real` to the others.
        cycled: F(G(x)).
        truth: the true counterpart of each input.
        network: computes features of pictures, see `FeatureNetwork`.
        domain: what y shows, one of the words in `hit_rate.CLASSES`.
        translate: G, float32 batches in [-1, 1] to the same.
        back: F, likewise.
        seed: of all that is drawn at random.
        source_values: what the numbers of x mean.
        target_values: what the numbers of y mean.
        segmentation: what label maps mean, see `segmentation.Segmentation`.
    """

    inputs: Sequence[np.ndarray]
    translated: Sequence[np.ndarray] | None = None
    real: Sequence[np.ndarray] | None = None
    other_real: Sequence[np.ndarray] | None = None
    cycled: Sequence[np.ndarray] | None = None
    truth: Sequence[np.ndarray] | None = None
    network: object | None = None
    domain: str | None = None
    translate: Callable[[np.ndarray], np.ndarray] | None = None
    back: Callable[[np.ndarray], np.ndarray] | None = None
    seed: int = 0
    source_values: Values = EIGHT_BIT
    target_values: Values = EIGHT_BIT
    segmentation: object | None = None
    _features: dict[str, np.ndarray] = dataclasses.field(default_factory=dict, repr=False)

    def __post_init__(self):
        for role in ("translated", "cycled", "truth"):
            pictures = getattr(self, role)
            if pictures is not None and len(pictures) != len(self.inputs):
                raise MetricError(
                    f"There are {len(self.inputs)} inputs and {len(pictures)} pictures in "
                    f"{role!r}; every input needs one."
                )

    def need(self, *roles: str) -> list:
        """Returns the named attributes.

        Raises:
            MetricError: some are None; the message says what that means.
        """
        reasons = [_MISSING[role] for role in roles if getattr(self, role) is None]
        if reasons:
            raise MetricError(" ".join(dict.fromkeys(reasons)))
        return [getattr(self, role) for role in roles]

    def features(self, role: str) -> np.ndarray:
        """Returns the network's features of the pictures in `role`, computed once."""
        if role not in self._features:
            (network,) = self.need("network")
            self._features[role] = network.features(self.views(role))
        return self._features[role]

    def views(self, role: str) -> list[np.ndarray]:
        """Returns the pictures in `role` as feature networks take them.

        Pictures of 8 bits with one or three channels are seen as they are, all others as `to_rgb`
        shows them.

        Raises:
            MetricError: there are none.
        """
        (pictures,) = self.need(role)
        are_inputs = role in ("inputs", "cycled")
        values = self.source_values if are_inputs else self.target_values
        views = []
        for picture in pictures:
            is_seen_as_it_is = values.is_eight_bit and picture.shape[-1] in (1, 3)
            views.append(picture if is_seen_as_it_is else to_rgb(picture))
        return views

    def same_pictures(self, role: str, other_role: str) -> np.ndarray:
        """Returns for each picture in `role` where the very same one is in `other_role`, (n,).

        An index, or -1 where it is not there. Each picture is matched at most once, so that of
        equal ones as many are matched as both roles hold.
        """
        pictures, others = self.need(role, other_role)
        waiting: dict[tuple, list[int]] = {}
        for index in reversed(range(len(others))):
            waiting.setdefault(_identity(others[index]), []).append(index)
        found = []
        for picture in pictures:
            indices = waiting.get(_identity(picture))
            found.append(indices.pop() if indices else -1)
        return np.array(found, int)

    def compared_reals(self) -> "ComparedReals":
        """Returns the features of real pictures whose distance is what real pictures get."""
        real = self.features("real")
        if self.other_real is not None:
            return ComparedReals(
                first=self.features("other_real"),
                second=real,
                same_pictures=self.same_pictures("other_real", "real"),
            )
        first, second = real[::2], real[1::2]
        note = "The real score compares one half of the real pictures with the other."
        if len(second) < 2:
            note = "There are too few real pictures to compare one half of them with the other."
        return ComparedReals(
            first=first, second=second, same_pictures=np.full(len(first), -1), note=note
        )

    @property
    def features_protocol(self) -> str:
        """How the feature network sees the pictures, in words."""
        (network,) = self.need("network")
        targets = self.translated if self.translated is not None else self.real
        domains = {
            "inputs": (self.source_values, self.inputs),
            "translations and real pictures": (self.target_values, targets),
        }
        words = [network.protocol]
        for name, (values, pictures) in domains.items():
            if not values.is_eight_bit:
                words.append(
                    f"{name} in 8 bits, {values.low:g} as black and {values.high:g} as white"
                )
            channels = np.shape(pictures[0])[-1] if pictures is not None else 3
            if channels not in (1, 3):
                seen = "first three" if channels > 3 else "first"
                words.append(f"{name} by the {seen} of their {channels} channels")
        return "; ".join(words)

    def replace(self, **changes) -> "Evidence":
        """Returns a copy with `changes`; features of what stays are not computed again."""
        kept = {}
        if "network" not in changes:
            kept = {role: found for role, found in self._features.items() if role not in changes}
        return dataclasses.replace(self, _features=kept, **changes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparedReals:
    """Features of two sets of real pictures.

    Attributes:
        first: (n, d).
        second: (m, d).
        same_pictures: where the same pictures are in the second set, see `Evidence.same_pictures`.
        note: what a reader must know of how they were chosen.
    """

    first: np.ndarray
    second: np.ndarray
    same_pictures: np.ndarray
    note: str = ""

    @property
    def are_enough(self) -> bool:
        """Whether a distance of the two can be taken."""
        return min(len(self.first), len(self.second)) > 1


def _identity(picture: np.ndarray) -> tuple:
    return picture.shape, picture.dtype.str, hashlib.sha256(picture.tobytes()).digest()


def _is_number(value):
    return isinstance(value, float | int) and not isinstance(value, bool) and not math.isnan(value)


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _finite_or_none(value):
    return value if value is not None and math.isfinite(value) else None
