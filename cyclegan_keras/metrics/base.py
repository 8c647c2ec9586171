"""What a measure says, and what it looks at."""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from cyclegan_keras.files.errors import MetricError

_FID = re.compile(r"\bFID\b|inception distance", re.IGNORECASE)
_REFERENCES = ("floor", "ceiling", "chance")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A number with all that is needed to judge it; without that it cannot be made.

    `low <= high` is a 95 % interval, of the kind that `protocol` names. The references are:

    - `floor`: what the best possible translations would get: real pictures against other real ones,
      or the closed form.
    - `ceiling`: what copying the input gets, that is, no translation at all.
    - `chance`: what pictures paired at random get, for measures of pairs.

    A reference that does not exist is NaN, and `note` tells why.

    Attributes:
        name: "KID", for example.
        value: the measured number.
        low: lower end of the interval.
        high: upper end of the interval.
        floor: see above.
        ceiling: see above.
        better: "lower" or "higher".
        n: how many pictures of each kind, in the order in which `protocol` names them.
        features: the feature network's name, or "pixels".
        protocol: how it was measured, so that it can be repeated.
        stderr: standard error of `value`, where the protocol has one.
        chance: see above.
        note: what the reader must know of this number.

    Raises:
        ValueError: something is missing or not a number, or other features than Inception's are to
            be called FID.
    """

    name: str
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    better: str
    n: tuple[int, ...]
    features: str
    protocol: str
    stderr: float | None = None
    chance: float | None = None
    note: str = ""

    def __post_init__(self):
        for field in ("name", "features", "protocol"):
            self._check(field, isinstance(value := self._get(field), str) and value.strip(), "text")
        for field in ("value", "low", "high"):
            self._check(field, _is_number(self._get(field)), "a number")
        self._check("low", self.low <= self.high, f"no more than `high`, {self.high}")
        for field in _REFERENCES:
            if (value := self._get(field)) is not None or field != "chance":
                told = _is_number(value) or (_is_nan(value) and self.note)
                self._check(field, told, "a number, or NaN and a `note` that tells why")
        self._check("better", self.better in ("lower", "higher"), "'lower' or 'higher'")
        counts = isinstance(self.n, tuple) and self.n and all(_is_count(n) for n in self.n)
        self._check("n", counts, "a tuple of counts of pictures")
        if _FID.search(self.name) and self.features != "inception":
            raise ValueError(
                "Only a distance on Inception's features is an FID; call it 'Frechet distance'. "
                f"Received: name={self.name!r}, features={self.features!r}."
            )

    def to_dict(self) -> dict[str, object]:
        """Returns the fields as JSON has them: infinities and NaN become None."""
        told = dataclasses.asdict(self) | {"n": list(self.n)}
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in told.items()
        }

    def _get(self, field):
        return self.__dict__[field]

    def _check(self, field, is_right, expected):
        if not is_right:
            raise ValueError(
                f"`{field}` of a measure must be {expected}. Received: {self._get(field)!r}."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the measures of one direction look at.

    Pictures are uint8, (n, height, width, 3), or sequences of (height, width, 3) of any sizes.
    What is None is left out, and measures that need it raise `MetricError`.

    Attributes:
        inputs: real x of the held-out part.
        translated: G(x), as a user would see them.
        real: real y of the held-out part.
        other_real: further real y, for example of the training part: what tells two sets of real
            pictures apart is the floor of a distance.
        cycled: F(G(x)).
        truth: the true counterpart of each input.
        network: looks at pictures, see `FeatureNetwork`.
        domain: what y shows, one of the words in `hit_rate.CLASSES`.
        translate: G, float32 batches in [-1, 1] to the same.
        back: F, likewise.
        seed: of all that is drawn at random.
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
    _features: dict[str, np.ndarray] = dataclasses.field(default_factory=dict, repr=False)

    def __post_init__(self):
        for role in ("translated", "cycled", "truth"):
            pictures = self.__dict__[role]
            if pictures is not None and len(pictures) != len(self.inputs):
                raise MetricError(
                    f"There are {len(self.inputs)} inputs and {len(pictures)} pictures in "
                    f"{role!r}; every input needs one."
                )

    def need(self, measure: str, *roles: str) -> list:
        """Returns the named attributes; MetricError tells which of them `measure` lacks."""
        missing = [role for role in roles if self.__dict__[role] is None]
        if missing:
            raise MetricError(f"{measure} needs {' and '.join(missing)}, which are not given.")
        return [self.__dict__[role] for role in roles]

    def features(self, role: str) -> np.ndarray:
        """Returns the network's features of the pictures in `role`, computed once."""
        if role not in self._features:
            network, pictures = self.need("A distance of features", "network", role)
            self._features[role] = network.features(pictures)
        return self._features[role]

    def renewed(self, **changes) -> "Evidence":
        """Returns the same with `changes`; features of what stays are not computed again."""
        kept = {
            role: values
            for role, values in self._features.items()
            if role not in changes and "network" not in changes
        }
        return dataclasses.replace(self, _features=kept, **changes)


def _is_number(value):
    return isinstance(value, float | int) and not isinstance(value, bool) and not math.isnan(value)


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
