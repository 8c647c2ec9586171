"""What goes wrong in training without any error: when it counts, and what helps.

`Watch` turns a history of measures into findings. It knows no trainer, no file and no clock, so
that the findings of a run follow from its recorded checks alone.
"""

import dataclasses
import math
from collections.abc import Mapping

CHECKS = 3  # in a row, before a finding begins or ends

# Loss of a discriminator that cannot tell, by gan_mode: the least that one constant answer costs.
# A critic of wgangp has no such value.
LOSS_AT_CHANCE = {"lsgan": 0.25, "vanilla": math.log(2), "hinge": 1.0}


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
        what: the finding, for a network's name.
        passed: that it has ended.
        number: what the measure says.
        remedies: method -> what to do. Where a method is missing this is no ailment: pairs, for
            example, may rightly turn bright into dark.
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


# docs/doctor.md tells from which figures the limits were chosen.
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
            **dict.fromkeys(
                ("cut", "fastcut"),
                "Start a new run with a higher --lambda_nce or a lower --learning_rate.",
            ),
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
            **dict.fromkeys(
                ("cut", "fastcut"),
                "Start a new run with --noantialias_up --upsample=resize, or train longer.",
            ),
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
            **dict.fromkeys(
                ("cyclegan", "pix2pix"),
                "Start a new run with a weaker discriminator (--ndf=32, or "
                "--discriminator=n_layers --n_layers=2) or with more pictures.",
            ),
            **dict.fromkeys(
                ("cut", "fastcut"),
                "Start a new run with a lower --lambda_nce, with a weaker discriminator "
                "(--ndf=32) or with more pictures.",
            ),
        },
    ),
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """An ailment that began, or one that has passed.

    Attributes:
        ailment: which.
        who: the network, in the paper's letters: G, F, D_X, D_Y.
        value: its measure at `step`.
        since: the step of the first check that showed it.
        step: the step of the check that settled it.
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
        """What was seen, since when and, of what began, what to do."""
        words = self.ailment.what if self.begins else self.ailment.passed
        seen = f"{words}, since step {{since}}: {self.ailment.number}."
        told = seen.format(who=self.who, since=self.since, value=self.value)
        return f"{told} {self.ailment.remedies[self.method]}" if self.begins else told

    def row(self) -> dict[str, object]:
        """Returns what doctor.jsonl keeps of it."""
        kept = {"ailment": self.ailment.name, "who": self.who, "since": self.since}
        return {**kept, "begins": self.begins, "sentence": self.sentence}


class Watch:
    """Follows the checks of a run and tells what begins and what ends.

    Args:
        method: of the training.

    Attributes:
        standing: the findings that began and have not ended, by (network, ailment's name).
    """

    def __init__(self, method: str = "cyclegan"):
        self.method = method
        self.standing: dict[tuple[str, str], Finding] = {}
        self._turning: dict[tuple[str, str], tuple[int, int]] = {}  # since which step, checks

    def see(self, step: int, measures: Mapping[str, float]) -> list[Finding]:
        """Takes the check of `step` and returns what it settles.

        Args:
            step: of the whole run; later than in the call before.
            measures: by "<network>/<measure>". What is missing stays as it was.
        """
        settled = []
        for name, value in measures.items():
            who, _, measure = name.rpartition("/")
            for ailment in AILMENTS:
                if ailment.measure == measure and self.method in ailment.remedies:
                    settled += self._follow(ailment, who, step, value)
        return settled

    def _follow(self, ailment: Ailment, who: str, step: int, value: float) -> list[Finding]:
        key = who, ailment.name
        ill = key in self.standing
        if ailment.shows(value) == ill:
            self._turning.pop(key, None)
            return []
        since, checks = self._turning.get(key, (step, 0))
        self._turning[key] = since, checks + 1
        lasts = ill or step - since >= ailment.steps  # to be healthy, CHECKS are enough
        if checks + 1 < CHECKS or not lasts:
            return []
        del self._turning[key]
        finding = Finding(ailment, who, value, since, step, not ill, self.method)
        if ill:
            del self.standing[key]
        else:
            self.standing[key] = finding
        return [finding]
