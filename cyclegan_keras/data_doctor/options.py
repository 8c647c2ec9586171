"""Options of the data doctor in a training."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataCheckOptions:
    """How the pictures are looked at before the first training on them."""

    check_data: str = option(
        "quick",
        "Before a run begins, look for pictures that are damaged, doubled, leaked from the test "
        "set or unlike the others, see docs/data-doctor.md. quick: for at most 10 seconds; full: "
        "look at all pictures; off: do not look. Findings are logged and kept in data_check.json, "
        "and the training goes on.",
        choices=("off", "quick", "full"),
        saved=False,
    )
