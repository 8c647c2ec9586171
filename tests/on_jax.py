"""What a process without TensorFlow does when KERAS_BACKEND=jax; see training/test_engine_jax.py.

The engine by itself is checked first. Then training continues from states that TensorFlow left in a
folder, and the results are written beside them.
"""

import jax
import keras
import numpy as np
import pytest
from five_steps import BEFORE, CHANNELS, STEPS, load, made, pictures, save, steps
from keras import ops
from line_fit import X, check_step

from cyclegan_keras.training import engine_jax as engine
from cyclegan_keras.training.stage import Stage


def check_gradients():
    x, unused = keras.Variable(3.0), keras.Variable([1.0, 2.0])
    seen = keras.Variable(0.0, trainable=False)

    def loss():
        seen.assign_add(x)  # a side effect, as of a batch norm
        return x**2, {"kept": x + 1}

    others, (by_x, by_unused) = engine.gradients(loss, [x, unused], 0.5)
    assert (float(others["kept"]), float(by_x), float(seen)) == (4.0, 3.0, 3.0)
    np.testing.assert_array_equal(by_unused, [0, 0])

    forward_pass = engine.RecordedForwardPass(lambda: x**2, [x])
    _, (gradient,) = engine.gradients(lambda square: (5 * square + x, ()), [x], 1.0, forward_pass)
    assert (float(forward_pass.value), float(gradient)) == (9, 5 * 2 * 3 + 1)

    def slope_squared():
        return engine.gradient_of(lambda at: at**3 * x, ops.ones(())) ** 2, ()  # (3 x)^2

    _, (gradient,) = engine.gradients(slope_squared, [x], 1.0)
    np.testing.assert_allclose(gradient, 2 * 9 * 3, rtol=1e-6)


def check_parts():
    order = keras.Variable(0.0, trainable=False)

    def work(part):
        order.assign(10 * order + part[0])  # a part continues from what the one before it left
        return {"sum": ops.sum(part)}, part * 2

    sums, doubled = engine.over_parts(work, ops.convert_to_tensor(X), 2)
    assert (float(sums["sum"]), float(order)) == (12, 14)
    np.testing.assert_array_equal(doubled, 2 * X)


def translated(network, images):
    return np.array(jax.jit(lambda x: network(x, training=False))(images))


def that_vanish(batches):
    yield from batches
    raise OSError("the drive is gone")


def check_fit(trainer):
    """Ends where a callback says so; evaluates the means of what `test_step` records."""
    before, batches = trainer.step, pictures(0, 4, CHANNELS["pix2pix"])

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    history = trainer.fit(batches, epochs=3, callbacks=[Stop()])
    assert (trainer.step - before, history.epoch) == (2, [0])
    trainer.fit(iter(batches), steps_per_epoch=1)
    assert trainer.step - before == 3
    assert trainer.stage is Stage.BETWEEN_STEPS
    with pytest.raises(OSError, match="the drive is gone"):
        trainer.fit(that_vanish(batches[:1]))
    assert trainer.step - before == 4
    assert trainer.stage is Stage.READING
    with pytest.raises(ValueError, match="`shuffle` must be False"):
        trainer.fit(batches, shuffle=True)
    means = trainer.evaluate(batches)
    fake = translated(trainer.generator_g, np.concatenate([batch["x"] for batch in batches]))
    real = np.concatenate([batch["y"] for batch in batches])
    np.testing.assert_allclose(means["l1"], np.abs(real - fake).mean(), rtol=1e-5)
    assert trainer.step - before == 4


def check_runs(folder, methods):
    """Continues from the states in the folder and loads the network in it."""
    for method in methods:
        trainer = made(method)
        trainer.load_state(load(folder / f"{method}_before.npz")[1])
        save(folder / f"{method}_here.npz", *steps(trainer, BEFORE, BEFORE + STEPS))
        if method == "cyclegan":
            trainer.generator("x_to_y").save(folder / "here.keras")
            np.save(
                folder / "here.npy", translated(trainer.generator("x_to_y"), pictures(0, 1)[0]["x"])
            )
            loaded = keras.saving.load_model(folder / "before.keras")
            np.save(folder / "before_here.npy", translated(loaded, pictures(0, 1)[0]["x"]))
        if method == "pix2pix":
            check_fit(trainer)


def main(folder, methods):
    """Does all of it."""
    check_gradients()
    check_parts()
    check_step(1, with_forward_pass=False)
    check_step(2, with_forward_pass=True)
    check_runs(folder, methods)
