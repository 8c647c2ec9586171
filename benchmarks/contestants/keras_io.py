"""The way the keras.io example takes a step: one persistent tape, four optimizers.

https://keras.io/examples/generative/cyclegan/: each generator learns from one of the two cycles
only, and the discriminators' verdicts on the new fakes are made once for both losses.
"""

import argparse

import keras


def prepare(arguments: argparse.Namespace) -> dict:
    """Returns `facts`, `actions` ("step") and `peak_mb` for `turns.serve`."""
    import tensorflow as tf
    from contestants import ours

    from cyclegan_keras.losses import l1

    trainer, batch = ours.trainer_and_batch(arguments)
    networks, game = trainer.networks, trainer.adversarial
    g, f, d_x, d_y = networks.values()
    optimizers = {name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in networks}
    x, y = batch["x"], batch["y"]

    @tf.function(jit_compile=arguments.jit_compile or None)
    def step():
        with tf.GradientTape(persistent=True) as tape:
            fake_y, fake_x = g(x, training=True), f(y, training=True)
            cycled_x, cycled_y = f(fake_y, training=True), g(fake_x, training=True)
            same_x, same_y = f(x, training=True), g(y, training=True)
            real_x, judged_x = d_x(x, training=True), d_x(fake_x, training=True)
            real_y, judged_y = d_y(y, training=True), d_y(fake_y, training=True)
            losses = (
                game.generator(judged_y) + 10 * l1(y, cycled_y) + 5 * l1(y, same_y),
                game.generator(judged_x) + 10 * l1(x, cycled_x) + 5 * l1(x, same_x),
                game.discriminator(real_x, judged_x),
                game.discriminator(real_y, judged_y),
            )
        for loss, (name, network) in zip(losses, networks.items(), strict=True):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizers[name].apply(gradients, network.trainable_variables)
        return losses[0] + losses[1]

    cards = tf.config.list_physical_devices("GPU")
    return {
        "facts": {"version": f"keras {keras.__version__}"},
        "actions": {"step": lambda: float(step())},
        "peak_mb": ours.tensorflow_peak_mb if cards else None,
    }
