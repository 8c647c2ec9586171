"""The option that chooses trackers."""

import dataclasses

from cyclegan_keras.cli.nearest import nearest
from cyclegan_keras.files.option import option

TENSORBOARD, WANDB, MLFLOW = "tensorboard", "wandb", "mlflow"
TRACKERS = (TENSORBOARD, WANDB, MLFLOW)
NONE = "none"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrackingOptions:
    """Where a run is shown while it learns."""

    tracker: str = option(
        TENSORBOARD,
        "Where losses, learning rates, sample grids, findings, evaluations and options are shown: "
        "tensorboard, wandb (Weights & Biases) and mlflow, several separated by commas, or none. A "
        "run that is continued goes on in the same tracked run.",
        may_change=True,
        several=True,
    )

    def __post_init__(self):
        tracker_names(self.tracker)

    @property
    def names(self) -> list[str]:
        """The names of the trackers, each once."""
        return tracker_names(self.tracker)


def tracker_names(word: str) -> list[str]:
    """Returns the names of the trackers in a list with commas, each once; none for "none".

    Raises:
        ValueError: a name is not that of a tracker.

    Example:
        >>> tracker_names("wandb, tensorboard,wandb")
        ['wandb', 'tensorboard']
        >>> tracker_names("none")
        []
    """
    names = list(dict.fromkeys(name.strip() for name in word.split(",") if name.strip()))
    if names == [NONE]:
        return []
    unknown = [name for name in names if name not in TRACKERS]
    if unknown or not names:
        near = list(dict.fromkeys(each for name in unknown for each in nearest(name, TRACKERS)))
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise ValueError(
            f"--tracker={word}: expected some of {', '.join(TRACKERS)}, separated by commas, or "
            f"{NONE} alone.{hint}"
        )
    return names
