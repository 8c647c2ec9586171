"""Training to the last step, whatever ends it before: what train.py and compress.py share."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Sequence

import absl.logging

from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.files.errors import (
    LostPicturesError,
    MemoryTooSmallError,
    UserError,
    WriteError,
)
from cyclegan_keras.files.memory import is_out_of_memory
from cyclegan_keras.runs.run import Run


def continue_run(trainer, run: Run) -> None:
    """Gives a trainer the state of the newest checkpoint of a run, if there is one.

    Raises:
        RunError: there are checkpoints, but none can be used.
    """
    shapes = {name: variable.shape for name, variable in trainer.state().items()}
    restored = run.restore(shapes)
    if restored:
        step, state = restored
        trainer.load_state(state)
        print(f"Continuing {run.directory} after step {step}.")
    run.forget_metrics_after(trainer.step)


def print_generators(trainer, run: Run) -> None:
    """Writes the generators of a run as files, and prints where they are.

    Raises:
        WriteError: the disk is full or not writable; the message says what is saved.
    """
    from cyclegan_keras.runs.networks import save_generators

    try:
        print(save_generators(trainer, run))
    except WriteError as error:
        raise WriteError(
            f"{error} {run.what_is_saved()} The same command writes the generators.",
            errno=error.errno,
        ) from error


def fit_while_readable(
    trainer,
    batches: Callable,
    last_step: int,
    *,
    run: Run,
    team,
    patience,
    interruption: Interruption,
    callbacks_of_fit: Sequence,
) -> None:
    """Trains to `last_step`, or until a signal asks to stop or pictures cannot be read any more.

    Args:
        trainer: what is trained.
        batches: (start step, stop step) -> the batches of these steps.
        last_step: of the training.
        run: where the callbacks save the state.
        team: of the workers, see `cyclegan_keras.distribution.team.Team`.
        patience: of what reads the pictures, see `pipelines.outage.Patience`.
        interruption: catches the signals.
        callbacks_of_fit: what happens between steps, the one that saves last.

    Raises:
        LostPicturesError: pictures cannot be read any more; the state after the last step is saved.
    """
    from cyclegan_keras.training import callbacks
    from cyclegan_keras.training.stage import Stage

    patience.is_interrupted = interruption.requested
    try:
        team.fit(
            trainer,
            batches,
            last_step,
            interruption=interruption,
            callbacks=callbacks_of_fit,
        )
    except BaseException as error:
        patience.give_up()  # the threads that read must not wait any longer
        # Pictures are read ahead: reading may have failed while a step fails for other reasons.
        is_of_reading = isinstance(error, Exception) and trainer.stage is Stage.READING
        if patience.failure is None or not is_of_reading:
            raise
        if team.is_chief:
            try:
                callbacks.end(callbacks_of_fit)
            except Exception:
                absl.logging.error("%s", patience.failure)
                raise
        if not interruption.requested():
            saved = run.checkpoints if team.is_chief else None
            raise lost_pictures(patience.failure, trainer.step, last_step, saved) from error
    finally:
        patience.is_interrupted = lambda: False


def lost_pictures(
    reason: UserError, step: int, last_step: int, saved: pathlib.Path | None
) -> LostPicturesError:
    """Returns the error of a training whose pictures cannot be read any more.

    Args:
        reason: what ended the reading.
        step: finished steps.
        last_step: of the training.
        saved: where the state after that step is saved; None in workers that write no files.
    """
    if saved is None:
        return LostPicturesError(f"{reason} The chief's last checkpoint is intact.")
    if not step:
        return LostPicturesError(f"{reason} No step was finished; the same command begins again.")
    return LostPicturesError(
        f"{reason} The training ends after step {step} of {last_step}, which is saved in "
        f"{saved}; the same command continues from there."
    )


@contextlib.contextmanager
def saving_after_failure(
    checkpoints, trainer, *, what_takes_less: Callable[[], str]
) -> Iterator[None]:
    """Saves the state when a full disk, or too little memory, ends the block.

    A step that ran out of memory may have updated some of the networks already. Its state is not
    saved: the last checkpoint is what the training continues from.

    Args:
        checkpoints: the callback that saves.
        trainer: knows whether a step is under way.
        what_takes_less: returns what to say where the memory does not suffice.

    Raises:
        WriteError: the one of the block, with what is saved.
        MemoryTooSmallError: the memory did not suffice.
    """
    import keras

    from cyclegan_keras.training.stage import Stage

    try:
        yield
    except WriteError as error:
        saved = checkpoints.rescue(is_whole=trainer.stage is not Stage.STEP)
        raise WriteError(f"{error} {saved}", errno=error.errno) from error
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # JAX may report a step only when its results are read, after the next one has begun.
        is_whole = trainer.stage is not Stage.STEP and keras.config.backend() == "tensorflow"
        saved = checkpoints.rescue(is_whole=is_whole)
        raise MemoryTooSmallError(f"{what_takes_less()} {saved}") from error
