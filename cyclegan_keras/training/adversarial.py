"""What all methods share whose generators learn from discriminators."""

from collections.abc import Collection, Iterable, Mapping

import keras
from keras import ops

from cyclegan_keras.layers import BatchNormalization
from cyclegan_keras.layers.diff_augment import augment, draw
from cyclegan_keras.losses import ADVERSARIAL, gradient_penalty, r1_penalty
from cyclegan_keras.training.gradient_steps import Loss, engine
from cyclegan_keras.training.options import AdversarialOptions
from cyclegan_keras.training.trainer import Trainer

# What discriminators see in a step, by the names of `see`: each has random numbers of its own.
SEEN_BY_GENERATORS = ("g_fake_x", "g_fake_y")
SEEN_BY_DISCRIMINATORS = ("real_x", "real_y", "fake_x", "fake_y")
SEEN = (*SEEN_BY_GENERATORS, *SEEN_BY_DISCRIMINATORS)


class AdversarialTrainer(Trainer):
    """A trainer of discriminators and of the networks that they judge.

    All networks but those called `discriminator_*` learn together, by one optimizer, from one
    weighted sum of terms; the discriminators learn together, by another.

    Args:
        networks: the networks by name.
        translators: direction -> name of the generator for it.
        weights_of_terms: the terms of the generators' objective, and their weights.
        gan_mode: a key of `losses.ADVERSARIAL`. wgangp suits a PatchGAN badly: a gradient penalty
            bounds the slope of a whole-picture critic, not of every patch.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        diff_augment: what is changed at random in all that discriminators see in training: some of
            color, translation and cutout, separated by commas, or none.
        d_regularization: `"r1"` for a penalty of the discriminators' slope at real pictures.
        lambda_r1: weight of that penalty.
        ema_decay: decay of the moving average of the generators, 0 for none.
        seed: of the gradient penalty and of what `diff_augment` changes.
        name: of the model.

    Attributes:
        judges_real_first: whether a discriminator judges real pictures before fakes, as the
            method's reference implementation does. The running statistics of a batch norm depend on
            it, and nothing else.

    Raises:
        ValueError: an unknown `gan_mode`, `diff_augment` or `d_regularization`; `"r1"` together
            with `"wgangp"`, or with a weight of 0.
    """

    judges_real_first = False

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        translators: Mapping[str, str],
        weights_of_terms: Mapping[str, float],
        *,
        gan_mode: str,
        lambda_penalty: float = 10.0,
        diff_augment: str = "none",
        d_regularization: str = "none",
        lambda_r1: float = 0.1,
        ema_decay: float = 0.0,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(networks, translators, ema_decay, name)
        if gan_mode not in ADVERSARIAL:
            raise ValueError(
                f"`gan_mode` must be one of {list(ADVERSARIAL)}. Received: gan_mode={gan_mode!r}"
            )
        self.adversarial = ADVERSARIAL[gan_mode]
        self.lambda_penalty = lambda_penalty if gan_mode == "wgangp" else 0.0
        self.penalty_seed = keras.random.SeedGenerator(seed)
        if d_regularization not in ("none", "r1"):
            raise ValueError(
                "`d_regularization` must be 'none' or 'r1'. Received: "
                f"d_regularization={d_regularization!r}"
            )
        options = AdversarialOptions(
            gan_mode=gan_mode,
            diff_augment=diff_augment,
            d_regularization=d_regularization,
            lambda_r1=lambda_r1,
        )
        self.augmentations = options.augmentations
        self.seed = seed
        self.lambda_r1 = lambda_r1 if d_regularization == "r1" else 0.0
        if self.lambda_penalty or self.lambda_r1:
            for name, network in networks.items():
                if _is_discriminator(name):
                    _make_twice_differentiable(network)
        self.weights_of_terms = dict(weights_of_terms)
        judged = [
            name.removeprefix("discriminator_") for name in networks if _is_discriminator(name)
        ]
        discriminator_terms = [f"d_{domain}" for domain in judged]
        if self.lambda_r1:
            discriminator_terms += [f"r1_{domain}" for domain in judged]
        recorded = [*self.weights_of_terms, *discriminator_terms, "generator_loss"]
        self.means = {term: keras.metrics.Mean(name=term) for term in recorded}

    @classmethod
    def usual_generator(cls, sizes: Collection[tuple[int, int]]) -> str:
        """Returns the generator to take for pictures of these (width, height).

        Six blocks up to 128 pixels and nine beyond: the CycleGAN paper, appendix 7.2.
        """
        longest_side = max(side for size in sizes for side in size)
        return "resnet_6blocks" if longest_side <= 128 else "resnet_9blocks"

    def build(self, input_shape: Mapping[str, tuple]) -> None:
        """Readies the trainer for batches of `input_shape`, {"x", "y"}: (b, h, w, c)."""
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer, **kwargs) -> None:
        """Takes one optimizer for all generators and one for all discriminators.

        Args:
            generator_optimizer: updates `generator_variables`.
            discriminator_optimizer: updates `discriminator_variables`.
            **kwargs: as in `Trainer.compile_optimizers`.
        """
        self.compile_optimizers(
            {
                "generator_optimizer": (generator_optimizer, self.generator_variables),
                "discriminator_optimizer": (discriminator_optimizer, self.discriminator_variables),
            },
            **kwargs,
        )

    @property
    def generator_variables(self) -> list:
        """What the generators' optimizer updates: all but the discriminators."""
        return [
            variable
            for name, network in self.networks.items()
            if not _is_discriminator(name)
            for variable in network.trainable_variables
        ]

    @property
    def discriminator_variables(self) -> list:
        """What the discriminators' optimizer updates."""
        return [
            variable
            for name, network in self.networks.items()
            if _is_discriminator(name)
            for variable in network.trainable_variables
        ]

    def generator_loss(self, terms: Mapping, pictures: Mapping | None = None) -> Loss:
        """Returns a loss of the generators: the weighted sum of unweighted terms.

        Args:
            terms: scalars by name, each a key of `weights_of_terms`.
            pictures: tensors (batch, ...) by name that later steps of the algorithm need.
        """
        value = sum(self.weights_of_terms[name] * term for name, term in terms.items())
        return Loss(value, dict(terms), dict(pictures or {}))

    def with_draws(self, batch: Mapping, seen: Collection[str]) -> dict:
        """Returns the batch of a training step with random numbers for what discriminators see.

        They are a function of the seed, the step and the number of the picture in it. So they
        belong to the pictures, also where the batch is taken in parts or divided over replicas.

        Args:
            batch: nested tensors (batch, ...).
            seen: some of `SEEN`.
        """
        if not self.augmentations:
            return dict(batch)
        count = ops.shape(keras.tree.flatten(batch)[0])[0]
        pictures = engine.first_picture(count) + ops.arange(count, dtype="int32")
        draws = {
            name: draw(
                self.seed,
                step=self.finished_steps,
                stream=SEEN.index(name),
                pictures=pictures,
            )
            for name in seen
        }
        return {**batch, "draws": draws}

    def see(self, batch: Mapping, name: str, pictures, condition=None):
        """Returns what a discriminator sees of pictures, augmented where the batch has draws.

        Args:
            batch: perhaps from `with_draws`.
            name: which of `SEEN` the pictures are.
            pictures: (batch, height, width, channels).
            condition: (batch, height, width, other channels), what a conditional discriminator
                sees before the channels of each picture.
        """
        if "draws" in batch:
            return augment(pictures, batch["draws"][name], self.augmentations, condition)
        if condition is None:
            return pictures
        return ops.concatenate([condition, ops.cast(pictures, condition.dtype)], axis=-1)

    def judgment_loss(
        self,
        domain: str,
        discriminator,
        batch: Mapping,
        *,
        condition=None,
        training: bool = True,
    ) -> Loss:
        """Returns the loss of a discriminator: `discriminator_loss` and, in training, R1.

        Args:
            domain: "x" or "y", what it judges.
            discriminator: (images, training) -> logits.
            batch: real pictures by the name of the domain and translations by "fake_" and that
                name, each (batch, height, width, channels); with draws where they are augmented.
            condition: (batch, height, width, other channels), see `see`.
            training: whether layers train.
        """
        real = self.see(batch, f"real_{domain}", batch[domain], condition)
        fake = self.see(batch, f"fake_{domain}", batch[f"fake_{domain}"], condition)
        loss = self.discriminator_loss(discriminator, real, fake, training)
        if not (self.lambda_r1 and training):
            return Loss(loss, {f"d_{domain}": loss})
        penalty = r1_penalty(self.gradients_at(discriminator, real))
        terms = {f"d_{domain}": loss, f"r1_{domain}": penalty}
        return Loss(loss + self.lambda_r1 * ops.cast(penalty, loss.dtype), terms)

    def discriminator_loss(self, discriminator, real, fake, training: bool = True):
        """Returns half of (real + fake), plus, in training, the penalty of wgangp: a scalar.

        Args:
            discriminator: (images, training) -> logits.
            real: (batch, height, width, channels).
            fake: the same.
            training: whether layers train.
        """
        if self.judges_real_first:
            logits_real = discriminator(real, training=training)
            logits_fake = discriminator(fake, training=training)
        else:
            logits_fake = discriminator(fake, training=training)
            logits_real = discriminator(real, training=training)
        loss = self.adversarial.discriminator(logits_real, logits_fake)
        if self.lambda_penalty and training:
            gradients = self.gradients_between(discriminator, real, fake, self.penalty_seed)
            loss += self.lambda_penalty * gradient_penalty(gradients)
        return loss

    def extra_state(self) -> dict[str, Iterable]:
        """The seed of the gradient penalty."""
        return {"penalty_seed": [self.penalty_seed.state]}


def _is_discriminator(name: str) -> bool:
    return name.startswith("discriminator")


def _make_twice_differentiable(network: keras.Model) -> None:
    for layer in network.layers:
        if isinstance(layer, BatchNormalization):
            layer.twice_differentiable = True
        elif isinstance(layer, keras.Model):
            _make_twice_differentiable(layer)
