"""Steps down the slope of a loss, whole or in parts, on any backend."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
from keras import ops

if keras.config.backend() == "jax":
    from cyclegan_keras.training import engine_jax as engine
else:
    from cyclegan_keras.training import engine_tensorflow as engine


class Again(NamedTuple):
    """A beginning that was not kept, and is made again where it is wanted.

    Attributes:
        function: makes it.
        value: what it made.
    """

    function: Callable
    value: object


class Descent:
    """Gradient steps for a trainer.

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

    def begin(self, function: Callable, batch: Mapping, variables: list):
        """Takes the first part of the way to a loss, where others want to know of it before.

        Args:
            function: batch -> nested tensors (batch, ...).
            batch: nested tensors (batch, ...).
            variables: what `minimize` will change.

        Returns:
            A beginning for `minimize`; its `value` is what `function` returned.
        """
        if self.accumulate_steps == 1:
            return engine.Recording(lambda: function(batch), variables)
        _, value = engine.over_parts(lambda x: ((), function(x)), batch, self.accumulate_steps)
        return Again(function, value)

    def minimize(
        self,
        objectives: Sequence[Callable],
        batch: Mapping,
        variables: list,
        optimizer: str,
        beginning=None,
    ) -> tuple[dict, dict]:
        """Takes one step down the slope of a sum of losses.

        With `in_turn` the slope of one is known before the next is begun, so that the activations
        of one are held at a time.

        Args:
            objectives: functions batch -> (loss, terms, pictures): the scalar to lower, other
                scalars by name, and tensors (batch, ...) by name. With `accumulate_steps` they are
                given the batch in equal parts.
            batch: nested tensors (batch, ...).
            variables: what to change.
            optimizer: the name of what changes them.
            beginning: what `begin` returned; there is one objective then, which is given its value
                behind the batch.

        Returns:
            Terms and pictures of the whole batch; among the terms the sum of the losses as
            `"loss"`.
        """
        parts = self.accumulate_steps
        # Optimizers add gradients over replicas, so each takes its share of the mean. That share
        # and the loss scale of mixed_float16 enter where the gradient starts.
        start = self.optimizers[optimizer].scale_loss(1.0 / (parts * engine.replicas()))

        def descend(part):
            totals, pictures, slope = {"loss": 0.0}, {}, None
            for objective in objectives:
                if self.in_turn:
                    part = engine.after(slope, part)
                loss, terms, made, new = self._slope(objective, part, variables, start, beginning)
                totals = {**totals, **terms, "loss": totals["loss"] + loss}
                pictures |= made
                slope = [a + b for a, b in zip(slope, new, strict=True)] if slope else new
            return (totals, slope), pictures

        if parts == 1:
            (terms, gradients), pictures = descend(batch)
        else:
            (terms, gradients), pictures = engine.over_parts(descend, batch, parts)
            terms = {name: total / parts for name, total in terms.items()}
        engine.apply(self.optimizers[optimizer], gradients, variables)
        return terms, pictures

    def _slope(self, objective, batch, variables, start, beginning) -> tuple:
        again = isinstance(beginning, Again)

        def loss_and_others(*made):
            if again:
                made = [beginning.function(batch)]
            loss, *others = objective(batch, *made)
            return loss, (loss, *others)

        recording = None if again else beginning
        others, gradients = engine.gradients(loss_and_others, variables, start, recording)
        return (*others, gradients)

    def gradients_between(self, discriminator, real, fake, seed):
        """Returns the gradients of `discriminator` at random points between `real` and `fake`.

        Improved training of Wasserstein GANs (Gulrajani et al., 2017), section 4: x_hat =
        epsilon * real + (1 - epsilon) * fake with one uniform epsilon a picture.
        """
        epsilon = keras.random.uniform((ops.shape(real)[0], 1, 1, 1), seed=seed, dtype=real.dtype)
        between = epsilon * real + (1 - epsilon) * ops.cast(fake, real.dtype)

        def mean_verdict(images):
            maps = keras.tree.flatten(discriminator(images, training=True))
            return sum(map(ops.sum, maps)) / len(maps)

        return engine.gradient_of(mean_verdict, between)
