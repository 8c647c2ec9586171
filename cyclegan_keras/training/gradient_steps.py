"""Gradient steps on a sum of losses, for the whole batch at once or for parts of it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING or keras.config.backend() != "jax":
    from cyclegan_keras.training import engine_tensorflow as engine
else:
    from cyclegan_keras.training import engine_jax as engine


@dataclasses.dataclass(frozen=True)
class Loss:
    """A scalar to minimize, and what was computed on the way to it.

    Attributes:
        value: the scalar.
        terms: other scalars by name, to be recorded.
        pictures: tensors (batch, ...) by name, for later steps of the algorithm.
    """

    value: object
    terms: dict = dataclasses.field(default_factory=dict)
    pictures: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class RecomputedForwardPass:
    """A forward pass recomputed for each part of a batch.

    Its activations are then never held for the whole batch.

    Attributes:
        function: part of a batch -> nested tensors (part, ...).
        value: what `function` returned for the parts, joined along the first axis.
    """

    function: Callable
    value: object


class GradientSteps:
    """Takes gradient steps for a trainer.

    Attributes:
        optimizers: by name.
        accumulate_steps: equal parts in which a step takes its batch.
        in_turn: whether losses that are added up are differentiated one after the other. That saves
            memory and costs an accelerator nothing; a CPU is some 10 % faster when kernels of
            several may run side by side.
    """

    accumulate_steps = 1
    in_turn = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.optimizers: dict[str, keras.optimizers.Optimizer] = {}

    def forward_pass(self, function: Callable, batch: Mapping, variables: list):
        """Computes what both another step and a later loss of this step need.

        Args:
            function: batch -> nested tensors (batch, ...).
            batch: nested tensors (batch, ...).
            variables: what `minimize` will update.

        Returns:
            A forward pass for `minimize`, which continues from it; its `value` is what `function`
            returned for the whole batch.
        """
        if self.accumulate_steps == 1:
            return engine.RecordedForwardPass(lambda: function(batch), variables)

        def part_without_sum(part):
            return (), function(part)

        _, value = engine.over_parts(part_without_sum, batch, self.accumulate_steps)
        return RecomputedForwardPass(function, value)

    def minimize(
        self,
        objectives: Sequence[Callable],
        *,
        batch: Mapping,
        variables: list,
        optimizer: str,
        forward_pass=None,
    ) -> Loss:
        """Takes one gradient step on the sum of the objectives' losses.

        With `in_turn` the gradient of one objective is known before the next one is computed, so
        that the activations of one are held at a time.

        Args:
            objectives: functions batch -> `Loss`. With `accumulate_steps` they are given the batch
                in equal parts.
            batch: nested tensors (batch, ...).
            variables: what to update.
            optimizer: the name of the optimizer that updates them.
            forward_pass: what `forward_pass` returned. There is one objective then, which is given
                the value of the forward pass as a second argument.

        Returns:
            The loss of the whole batch: the sum of the values, all terms and all pictures.
        """
        parts = self.accumulate_steps
        # Optimizers add gradients over replicas, so each takes its share of the mean. That share
        # and the loss scale of mixed_float16 enter where the gradient starts.
        scale = self.optimizers[optimizer].scale_loss(1.0 / (parts * engine.replicas()))

        def losses_and_gradients(part):
            """Returns what is added up over the parts, and the pictures."""
            value, terms, pictures, gradients = 0.0, {}, {}, None
            for objective in objectives:
                if self.in_turn and gradients is not None:
                    part = engine.after(gradients, part)
                loss, new_gradients = _differentiate(
                    objective,
                    batch=part,
                    variables=variables,
                    scale=scale,
                    forward_pass=forward_pass,
                )
                value = value + loss.value
                terms.update(loss.terms)
                pictures.update(loss.pictures)
                if gradients is None:
                    gradients = new_gradients
                else:
                    gradients = [_sum(*two) for two in zip(gradients, new_gradients, strict=True)]
            gradients = [
                ops.zeros(variable.shape, variable.dtype) if gradient is None else gradient
                for gradient, variable in zip(gradients, variables, strict=True)
            ]
            return (value, terms, gradients), pictures

        if parts == 1:
            (value, terms, gradients), pictures = losses_and_gradients(batch)
        else:
            sums, pictures = engine.over_parts(losses_and_gradients, batch, parts)
            value, terms, gradients = sums
            value = value / parts
            terms = {name: total / parts for name, total in terms.items()}
        engine.apply(self.optimizers[optimizer], gradients, variables)
        return Loss(value, terms, pictures)

    def gradients_between(self, discriminator, real, fake, seed):
        """Returns the gradients of `discriminator` at random points between `real` and `fake`.

        Improved training of Wasserstein GANs (Gulrajani et al., 2017), section 4: x_hat =
        epsilon * real + (1 - epsilon) * fake with one uniform epsilon a picture.
        """
        epsilon = keras.random.uniform((ops.shape(real)[0], 1, 1, 1), seed=seed, dtype=real.dtype)
        between = epsilon * real + (1 - epsilon) * ops.cast(fake, real.dtype)

        def mean_logit(images):
            maps = keras.tree.flatten(discriminator(images, training=True))
            return sum(ops.sum(each) for each in maps) / len(maps)

        return engine.gradient_of(mean_logit, between)

    def gradients_at(self, discriminator, images):
        """Returns the gradients of `discriminator` at `images`, as R1 takes them.

        Each logit is a discriminator of its own patch. The gradient of their sum is divided by the
        root of their number: where patches do not overlap, its square is then the mean of the
        squares of the patches' gradients, and for a single logit it is that of the paper. Maps of
        several patch sizes count the same, as in the losses.

        It is one more pass in training: the moving statistics of a batch norm, which only measures
        without learning use, see real pictures twice.

        Args:
            discriminator: (images, training) -> logits, (batch, height, width, 1), or a list.
            images: (batch, height, width, channels).
        """

        def logit(images):
            total = 0.0
            maps = keras.tree.flatten(discriminator(images, training=True))
            for each in maps:
                patches = ops.cast(ops.size(each) // ops.shape(images)[0], each.dtype)
                total = total + ops.sum(each) / ops.sqrt(patches) / len(maps)
            return total

        return engine.gradient_of(logit, images)


def _sum(gradient, other):
    """Returns the sum of two gradients, or one of them where the other is None."""
    if gradient is None:
        return other
    return gradient if other is None else gradient + other


def _differentiate(objective: Callable, *, batch, variables: list, scale, forward_pass) -> tuple:
    """Returns the loss of one objective on one part of a batch, and its scaled gradients.

    A gradient may be None where the loss does not depend on a variable.
    """

    def loss_and_parts(*computed):
        if isinstance(forward_pass, RecomputedForwardPass):
            computed = (forward_pass.function(batch),)
        loss = objective(batch, *computed)
        return loss.value, (loss.value, loss.terms, loss.pictures)

    recorded = None if isinstance(forward_pass, RecomputedForwardPass) else forward_pass
    (value, terms, pictures), gradients = engine.gradients(
        loss_and_parts, variables, scale, recorded
    )
    return Loss(value, terms, pictures), gradients
