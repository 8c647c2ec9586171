"""The way the keras.io example takes a step: one persistent tape, four optimizers, Keras' layers.

https://keras.io/examples/generative/cyclegan/: each generator learns from one of the two cycles
only, and the discriminators' verdicts on the new fakes are made once for both losses. The networks
have the shapes of ours and are made of Keras' own layers.
"""

import argparse

import keras
from keras import layers, ops


class ReflectionPadding2D(layers.Layer):
    """Pads height and width by reflection."""

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, x):
        """Returns x with larger sides."""
        sides = (self.padding, self.padding)
        return ops.pad(x, ((0, 0), sides, sides, (0, 0)), mode="reflect")


def generator(arguments: argparse.Namespace) -> keras.Model:
    """Returns a ResNet generator with instance norm, reflection and transposed convolutions."""
    ngf, blocks = arguments.ngf, int(arguments.generator.removeprefix("resnet_")[0])
    inputs = keras.Input((None, None, 3))
    x = ReflectionPadding2D(3)(inputs)
    x = layers.ReLU()(instance_norm(layers.Conv2D(ngf, 7)(x)))
    for width in (2 * ngf, 4 * ngf):
        x = layers.Conv2D(width, 3, strides=2, padding="same")(x)
        x = layers.ReLU()(instance_norm(x))
    for _ in range(blocks):
        y = layers.Conv2D(4 * ngf, 3)(ReflectionPadding2D(1)(x))
        y = layers.ReLU()(instance_norm(y))
        y = layers.Conv2D(4 * ngf, 3)(ReflectionPadding2D(1)(y))
        x = layers.Add()([x, instance_norm(y)])
    for width in (2 * ngf, ngf):
        x = layers.Conv2DTranspose(width, 3, strides=2, padding="same")(x)
        x = layers.ReLU()(instance_norm(x))
    x = layers.Conv2D(3, 7)(ReflectionPadding2D(3)(x))
    return keras.Model(inputs, layers.Activation("tanh", dtype="float32")(x))


def discriminator(ndf: int) -> keras.Model:
    """Returns a PatchGAN that judges patches of 70 by 70 pixels."""
    inputs = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(1)(inputs)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(ndf, 4, strides=2)(x))
    for width, strides in ((2 * ndf, 2), (4 * ndf, 2), (8 * ndf, 1)):
        x = layers.Conv2D(width, 4, strides)(layers.ZeroPadding2D(1)(x))
        x = layers.LeakyReLU(0.2)(instance_norm(x))
    x = layers.Conv2D(1, 4)(layers.ZeroPadding2D(1)(x))
    return keras.Model(inputs, layers.Activation("linear", dtype="float32")(x))


def instance_norm(x):
    """Returns x normalized picture by picture and channel by channel."""
    return layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False)(x)


def prepare(arguments: argparse.Namespace) -> dict:
    """Returns `facts`, `actions` ("step") and `peak_mb` for `turns.serve`."""
    import tensorflow as tf
    from contestants import ours

    from cyclegan_keras.losses import l1, lsgan

    if arguments.mixed_precision:
        keras.config.set_dtype_policy(f"mixed_{arguments.mixed_precision}")
    g, f = generator(arguments), generator(arguments)
    d_x, d_y = discriminator(arguments.ngf), discriminator(arguments.ngf)
    networks = [g, f, d_x, d_y]
    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in networks]
    batch = ours.noise(arguments)
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
                lsgan.generator(judged_y) + 10 * l1(y, cycled_y) + 5 * l1(y, same_y),
                lsgan.generator(judged_x) + 10 * l1(x, cycled_x) + 5 * l1(x, same_x),
                lsgan.discriminator(real_x, judged_x),
                lsgan.discriminator(real_y, judged_y),
            )
        for loss, network, optimizer in zip(losses, networks, optimizers, strict=True):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)
        return losses[0] + losses[1]

    cards = tf.config.list_physical_devices("GPU")
    return {
        "facts": {"version": f"keras {keras.__version__}"},
        "actions": {"step": lambda: float(step())},
        "peak_mb": ours.tensorflow_peak_mb if cards else None,
    }
