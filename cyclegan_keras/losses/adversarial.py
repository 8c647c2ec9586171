"""How D tells real from fake, and how G learns that it did.

Logits are D's verdicts, one a patch, usually `(batch, height, width, 1)`; in a list of them every
patch size counts the same. Every loss is the mean over all of them: a scalar of at least float32.
Every discriminator loss is HALF the sum of its real and its fake part: the paper halves the
objective of D, which slows D beside G. All modes here keep that convention.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops


class AdversarialLoss(NamedTuple):
    """The two sides of one game.

    Attributes:
        generator: `generator(logits_fake)`, small when D takes fakes for real.
        discriminator: `discriminator(logits_real, logits_fake)`, small when D tells them apart.
        loss_at_chance: D's loss when it cannot tell them apart: the least that one constant answer
            costs. A Wasserstein critic has no such value: None.
    """

    generator: Callable
    discriminator: Callable
    loss_at_chance: float | None


def gradient_penalty(gradients):
    """Returns `mean((||g|| - 1)^2)`, which keeps a Wasserstein critic's slope near one.

    Args:
        gradients: (batch, ...) gradients of the critic at points between real and fake pictures;
            the norm is over everything but the batch.

    Reference:
        Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, section 4.
    """
    gradients = _at_least_float32(gradients)
    squares = ops.sum(ops.square(gradients), axis=tuple(range(1, len(gradients.shape))))
    norms = ops.sqrt(squares + 1e-12)  # the root has no slope at zero
    return ops.mean(ops.square(norms - 1))


def r1_penalty(gradients):
    """Returns `mean(|g|^2) / 2`, which keeps a discriminator from becoming steep at real pictures.

    Args:
        gradients: (batch, ...) gradients of the discriminator at real pictures; the norm is over
            everything but the batch.

    Reference:
        Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018, section
        4.1.
    """
    gradients = _at_least_float32(gradients)
    squares = ops.sum(ops.square(gradients), axis=tuple(range(1, len(gradients.shape))))
    return 0.5 * ops.mean(squares)


def _game(
    generator: Callable, real: Callable, fake: Callable, loss_at_chance: float | None
) -> AdversarialLoss:
    """Makes a game of three functions of logits: G's loss on fakes, D's on real and on fakes."""

    def generator_loss(logits_fake):
        return _mean(generator, logits_fake)

    def discriminator_loss(logits_real, logits_fake):
        return 0.5 * (_mean(real, logits_real) + _mean(fake, logits_fake))

    return AdversarialLoss(generator_loss, discriminator_loss, loss_at_chance)


def _mean(function: Callable, logits):
    maps = keras.tree.flatten(logits)
    return sum(ops.mean(function(_at_least_float32(each))) for each in maps) / len(maps)


def _at_least_float32(x):
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))


# The paper's choice. Mao et al., "Least Squares Generative Adversarial Networks", 2016.
lsgan = _game(
    generator=lambda logits: ops.square(logits - 1),
    real=lambda logits: ops.square(logits - 1),
    fake=ops.square,
    loss_at_chance=0.25,
)

# Cross-entropy, softplus(-z) = -log(sigmoid(z)), with G's non-saturating form.
# Goodfellow et al., "Generative Adversarial Networks", 2014.
vanilla = _game(
    generator=lambda logits: ops.softplus(-logits),
    real=lambda logits: ops.softplus(-logits),
    fake=ops.softplus,
    loss_at_chance=math.log(2),
)

# Lim and Ye, "Geometric GAN", 2017.
hinge = _game(
    generator=ops.negative,
    real=lambda logits: ops.relu(1 - logits),
    fake=lambda logits: ops.relu(1 + logits),
    loss_at_chance=1.0,
)

# Needs `gradient_penalty` beside it, added by whoever holds the tape. It suits a PatchGAN badly:
# the penalty bounds the slope of a whole-picture critic, not of every patch.
wgangp = _game(
    generator=ops.negative,
    real=ops.negative,
    fake=lambda logits: logits,
    loss_at_chance=None,
)
