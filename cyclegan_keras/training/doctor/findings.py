"""What goes wrong in training without any error: when it counts, and what helps.

`Diagnosis` turns a history of measures into findings. It knows no trainer, no file and no clock, so
that the findings of a run follow from its recorded checks alone.
"""

import dataclasses
from collections.abc import Mapping

from cyclegan_keras.files.advice import WITH_FEW_PICTURES

CHECKS = 3  # in a row, before a finding begins or ends


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ailment:
    """Something that goes wrong and stays wrong.

    Attributes:
        name: what it is called in doctor.jsonl.
        measure: the number that shows it.
        limit: the network is ill while the number is below it or, with `above`, above it.
        above: which side of the limit is ill.
        steps: how many steps it must last, in at least CHECKS checks, before it counts. Young
            networks have most ailments for a while.
        what: the beginning of the sentence that reports it.
        passed: the beginning of the sentence that reports its end.
        number: the rest of both sentences: what the measure says.
        remedies: method -> what to do. It is no ailment of a method that is missing here: pairs,
            for example, may rightly turn bright into dark.
    """

    name: str
    measure: str
    limit: float
    above: bool = False
    steps: int
    what: str
    passed: str
    number: str
    remedies: Mapping[str, str]

    def shows(self, value: float) -> bool:
        """Whether `value` is on the ill side of the limit."""
        return value > self.limit if self.above else value < self.limit


# docs/doctor.md says from which figures the limits were chosen.
AILMENTS = (
    Ailment(
        name="inverted",
        measure="luminance_correlation",
        limit=-0.35,
        steps=1000,
        what="{who} turns bright into dark",
        passed="{who} no longer turns bright into dark",
        number="its pictures' brightness correlates with its inputs' at {value:.2f}",
        remedies={
            "cyclegan": "Start a new run with another --seed or a higher --lambda_identity.",
            "cut": "Start a new run with another --seed or a higher --lambda_nce.",
            "fastcut": "Start a new run with another --seed, or with --nce_identity.",
        },
    ),
    Ailment(
        name="copying",
        measure="change",
        limit=0.1,
        steps=10_000,
        what="{who} copies its input",
        passed="{who} no longer copies its input",
        number="it changes pictures by {value:.0%} of the distance between the domains",
        remedies={
            "cyclegan": "Start a new run with a lower --lambda_identity (0 drops it) or "
            "--lambda_cycle.",
            "pix2pix": "See whether x and y really differ, and start a new run with a lower "
            "--lambda_l1.",
            "cut": "Start a new run with a lower --lambda_nce or with --nonce_identity.",
            "fastcut": "Start a new run with a lower --lambda_nce.",
        },
    ),
    Ailment(
        name="collapsed",
        measure="diversity",
        limit=0.1,
        steps=2000,
        what="{who} answers every input with much the same picture",
        passed="{who} no longer answers every input alike",
        number="its pictures differ {value:.0%} as much as real ones do",
        remedies={
            "cyclegan": "Start a new run with a higher --lambda_cycle or a lower --learning_rate.",
            "pix2pix": "Start a new run with a higher --lambda_l1 or a lower --learning_rate.",
            "cut": "Start a new run with a higher --lambda_nce or a lower --learning_rate.",
            "fastcut": "Start a new run with a higher --lambda_nce or a lower --learning_rate.",
        },
    ),
    Ailment(
        name="checkerboard",
        measure="grid_db",
        limit=2.5,
        above=True,
        steps=10_000,
        what="{who} draws a checkerboard",
        passed="{who} no longer draws a checkerboard",
        number="a grid of 4 or 2 px stands {value:.1f} dB out of its pictures",
        remedies={
            "cyclegan": "Start a new run with --upsample=resize or --antialias_up.",
            "pix2pix": "Start a new run with --generator=resnet_9blocks --upsample=resize.",
            "cut": "Start a new run with --noantialias_up --upsample=resize, or train longer.",
            "fastcut": "Start a new run with --noantialias_up --upsample=resize, or train longer.",
        },
    ),
    Ailment(
        name="saturated",
        measure="loss_to_chance",
        limit=0.05,
        steps=2000,
        what="{who} is hardly ever wrong, which teaches its generator little",
        passed="{who} can be wrong again",
        number="its loss is {value:.1%} of that of guessing",
        remedies={
            "cyclegan": "Start a new run with a weaker discriminator (--ndf=32, or "
            "--discriminator=n_layers --n_layers=2) or with more pictures. Where they are few, "
            f"{WITH_FEW_PICTURES}.",
            "pix2pix": "Start a new run with a weaker discriminator (--ndf=32, or "
            "--discriminator=n_layers --n_layers=2) or with more pictures. Where they are few, "
            f"{WITH_FEW_PICTURES}.",
            "cut": "Start a new run with a lower --lambda_nce, with a weaker discriminator "
            f"(--ndf=32) or with more pictures. Where they are few, {WITH_FEW_PICTURES}.",
            "fastcut": "Start a new run with a lower --lambda_nce, with a weaker discriminator "
            f"(--ndf=32) or with more pictures. Where they are few, {WITH_FEW_PICTURES}.",
        },
    ),
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """An ailment that began, or one that has passed.

    Attributes:
        ailment: the ailment.
        who: the network, in the paper's letters: G, F, D_X, D_Y.
        value: its measure at `step`.
        since: the step of the first check that showed it.
        step: the step of the check that decided it.
        begins: whether it began; else it ended.
        method: of the training.
    """

    ailment: Ailment
    who: str
    value: float
    since: int
    step: int
    begins: bool
    method: str = "cyclegan"

    @property
    def sentence(self) -> str:
        """What was measured, since when and, if it began, what to do."""
        words = self.ailment.what if self.begins else self.ailment.passed
        finding = words.format(who=self.who)
        number = self.ailment.number.format(value=self.value)
        sentence = f"{finding}, since step {self.since}: {number}."
        if self.begins:
            sentence += f" {self.ailment.remedies[self.method]}"
        return sentence

    def row(self) -> dict[str, object]:
        """Returns what doctor.jsonl keeps of it."""
        return {
            "ailment": self.ailment.name,
            "who": self.who,
            "since": self.since,
            "begins": self.begins,
            "sentence": self.sentence,
        }


class Diagnosis:
    """Follows the checks of a run and finds what begins and what ends.

    Args:
        method: of the training.

    Attributes:
        current: the findings that began and have not ended, by (network, ailment's name).
    """

    def __init__(self, method: str = "cyclegan"):
        self.method = method
        self.current: dict[tuple[str, str], Finding] = {}
        # What contradicts `current` by now: the step of its first check, and its checks in a row.
        self._changing: dict[tuple[str, str], tuple[int, int]] = {}

    def add_check(self, step: int, measures: Mapping[str, float]) -> list[Finding]:
        """Takes the measures of one check and returns what begins or ends by it.

        Args:
            step: of the whole run; later than in the call before.
            measures: by "<network>/<measure>". A measure that is missing changes nothing.
        """
        findings = []
        for name, value in measures.items():
            who, _, measure = name.rpartition("/")
            for ailment in AILMENTS:
                if ailment.measure == measure and self.method in ailment.remedies:
                    finding = self._follow(ailment, who, step, value)
                    if finding is not None:
                        findings.append(finding)
        return findings

    def _follow(self, ailment: Ailment, who: str, step: int, value: float) -> Finding | None:
        key = (who, ailment.name)
        was_ill = key in self.current
        if ailment.shows(value) == was_ill:
            self._changing.pop(key, None)
            return None
        since, checks = self._changing.get(key, (step, 0))
        checks += 1
        self._changing[key] = (since, checks)
        # An ailment must last for some steps; to have passed, CHECKS are enough.
        lasts = was_ill or step - since >= ailment.steps
        if checks < CHECKS or not lasts:
            return None
        del self._changing[key]
        finding = Finding(
            ailment=ailment,
            who=who,
            value=value,
            since=since,
            step=step,
            begins=not was_ill,
            method=self.method,
        )
        if was_ill:
            del self.current[key]
        else:
            self.current[key] = finding
        return finding
