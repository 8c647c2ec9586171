"""What a trainer does at a moment: it tells what an error leaves behind."""

import contextlib
import enum
from collections.abc import Iterator


class Stage(enum.Enum):
    """What a trainer does; its state is that of a finished step, except within a step."""

    BETWEEN_STEPS = "between steps"
    READING = "waiting for the next batch"
    STEP = "computing a step, which may have changed a part of the state"


@contextlib.contextmanager
def stage(trainer, entered: Stage) -> Iterator[None]:
    """Sets the stage of a trainer within a block; after an error it stays, and tells its origin."""
    trainer.stage = entered
    yield
    trainer.stage = Stage.BETWEEN_STEPS
