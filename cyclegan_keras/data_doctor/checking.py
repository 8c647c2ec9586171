"""The check as a story: look, compare, conclude, and say what was left out."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from cyclegan_keras.data_doctor import findings, near_duplicates
from cyclegan_keras.data_doctor.findings import Finding, Training
from cyclegan_keras.data_doctor.looking import Budget, Seen, look_at_all, look_at_some
from cyclegan_keras.data_doctor.measures import Measures
from cyclegan_keras.data_doctor.sets import PictureSet, Place
from cyclegan_keras.files.names import printable

SHARE_OF_COMPARING = 0.9  # of the seconds of a quick look, after which no pictures are compared
INSTALL = 'pip install "cyclegan-keras[data]"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """What a check found.

    Attributes:
        dataset: its name.
        mode: "full" or "quick".
        seen: what was seen of the pictures.
        findings: the serious ones first.
        left_out: sentences about what was left out.
        seconds: how long all of it took.
        was_stopped: whether it was interrupted.
    """

    dataset: str
    mode: str
    seen: Seen
    findings: Sequence[Finding]
    left_out: Sequence[str]
    seconds: float
    was_stopped: bool

    @property
    def is_serious(self) -> bool:
        """Whether a finding is serious."""
        return any(finding.is_serious for finding in self.findings)

    @property
    def headline(self) -> str:
        """How many findings there are, in words."""
        count = len(self.findings)
        serious = sum(finding.is_serious for finding in self.findings)
        if not count:
            return "Nothing found"
        words = f"{count} finding" if count == 1 else f"{count} findings"
        return f"{words}, {serious} of them serious" if serious else words

    def to_dict(self) -> dict[str, Any]:
        """Returns all that was found as JSON can hold it."""
        sets = {}
        for name, each in self.seen.sets.items():
            sets[name] = {
                "pictures": len(each),
                "opened": self.seen.opened(name),
                "decoded": self.seen.decoded(name),
            }
        return {
            "dataset": printable(self.dataset),
            "mode": self.mode,
            "seconds": round(self.seconds, 2),
            "interrupted": self.was_stopped,
            "sets": sets,
            "left_out": list(self.left_out),
            "findings": [self._finding_to_dict(finding) for finding in self.findings],
        }

    def _finding_to_dict(self, finding: Finding) -> dict[str, Any]:
        pictures = []
        for group in finding.groups:
            names = [printable(self.name_of(place)) for place in group.places]
            pictures.append({"names": names, "words": printable(group.words)})
        return {
            "kind": finding.kind,
            "serious": finding.is_serious,
            "sentence": printable(finding.sentence),
            "advice": printable(finding.advice),
            "counts": dict(finding.counts),
            "looked_at": dict(finding.looked_at),
            "pictures": pictures,
        }

    def name_of(self, place: Place) -> str:
        """Returns what a picture is called."""
        return self.seen.sets[place.set_name].pictures.names[place.number]


def check(
    sets: Sequence[PictureSet],
    training: Training,
    *,
    dataset: str,
    mode: str = "full",
    seconds: float | None = None,
    compare: bool = True,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
    threads: int | None = None,
) -> Check:
    """Looks at pictures before a training.

    Args:
        sets: training and test pictures of A and of B.
        training: what they are for.
        dataset: what all of them are called.
        mode: "full": every picture is decoded. "quick": as many as the seconds allow.
        seconds: that a quick look may take.
        compare: whether to look for near-duplicates, where imagehash is installed.
        seed: of what a quick look takes first.
        stop: is asked between pictures; where it returns True, what was found so far is returned.
        threads: to read in; as many as the machine has processors unless given.
    """
    budget = Budget(seconds if mode == "quick" else None, stop)
    if mode == "quick":
        seen = look_at_some(sets, budget, seed=seed, threads=threads)
    else:
        seen = look_at_all(sets, budget, threads=threads)

    # ---- near-duplicates ----
    left_out = _not_decoded(seen)
    near: list[near_duplicates.Near] = []
    if not compare:
        left_out.append("Near-duplicates were not looked for (--nonear_duplicates).")
    elif not near_duplicates.is_available():
        left_out.append(f"Near-duplicates were not looked for: {INSTALL}.")
    elif budget.is_over(SHARE_OF_COMPARING):
        left_out.append("Near-duplicates were not looked for: the time was over.")
    else:
        near = near_duplicates.find_near_duplicates(
            seen.sets,
            showing_something(seen),
            seed=seed,
            stop=lambda: budget.is_over(SHARE_OF_COMPARING),
        )
        if len(near) >= near_duplicates.MOST_PAIRS:
            left_out.append(
                f"The search for near-duplicates ended after {len(near):,} pairs: most pictures of "
                "this set resemble others, as the frames of a film do."
            )
        elif budget.is_over(SHARE_OF_COMPARING):
            left_out.append("Not all pairs of pictures were compared: the time was over.")

    return Check(
        dataset=dataset,
        mode=mode,
        seen=seen,
        findings=findings.find_all(seen, near, training),
        left_out=left_out,
        seconds=budget.elapsed(),
        was_stopped=budget.was_stopped,
    )


def showing_something(seen: Seen) -> dict[Place, Measures]:
    """Returns the measures of pictures that are not blank; blank ones all resemble each other."""
    ranges = {domain: findings.ranges_of(seen, domain) for domain in ("A", "B")}
    showing = {}
    for place, measured in seen.measures.items():
        found = ranges[seen.sets[place.set_name].domain][measured.dtype]
        if not findings.is_blank(measured, found):
            showing[place] = measured
    return showing


def _not_decoded(seen: Seen) -> list[str]:
    """Returns sentences about pictures that were not looked at."""
    total = sum(len(each) for each in seen.sets.values())
    opened = sum(seen.opened(name) for name in seen.sets)
    decoded = sum(seen.tried(name) for name in seen.sets)
    if decoded == total:
        return []
    opened_words = "All files were opened" if opened == total else f"{opened:,} of {total:,} files"
    if opened < total:
        opened_words += " were opened"
    return [
        f"{opened_words}, and {decoded:,} of {total:,} pictures decoded: what their pixels show is "
        "known of those alone."
    ]
