import logging

import pytest

from cyclegan_keras.training import progress


class Model:
    """Stands in for a trainer that has taken two steps."""

    step = 2


def begin(callback):
    callback.set_model(Model())
    callback.on_train_begin()
    return callback


def advance(callback, **logs):
    callback.model.step += 1
    callback.on_train_batch_end(0, logs)


def test_progress_shows_pictures_and_losses(capsys):
    callback = begin(progress.Progress(batch_size=5, total_steps=4))
    advance(callback, cycle_x=0.5, generator_loss=1.25)
    advance(callback, cycle_x=0.25, generator_loss=1.0)
    callback.on_train_end()
    shown = capsys.readouterr().err.split("\r")[-1]
    assert "20.0/20.0" in shown
    assert "img/s" in shown
    assert "generator_loss=1.000, cycle_x=0.250" in shown


def test_progress_goes_by_time_where_steps_differ(capsys):
    """Three of four steps are done, and half of the time is gone: the last takes three seconds."""
    seconds = [0.0, 1.0, 2.0, 3.0, 6.0]
    callback = progress.Progress(batch_size=5, total_steps=4, seconds_of=lambda n: seconds[n])
    begin(callback)
    advance(callback, cycle_x=0.5)
    callback.on_train_end()
    shown = capsys.readouterr().err.split("\r")[-1]
    assert " 50%|" in shown
    assert "step=3/4, cycle_x=0.500" in shown
    assert "img" not in shown


@pytest.mark.parametrize("steps", [1, 3])
def test_the_first_step_alone_tells_its_time_and_memory(steps, caplog):
    callback = begin(progress.FirstStep())
    with caplog.at_level(logging.INFO):
        for _ in range(steps):
            advance(callback)
    (told,) = caplog.messages
    assert told.startswith("The first step took 0.")
    assert "peak memory of this process: " in told
    assert 0.1 < float(told.split()[-2]) < 100
