"""What all methods share whose generators learn from discriminators."""

from collections.abc import Callable, Collection, Iterable, Mapping

import keras

from cyclegan_keras.losses import ADVERSARIAL, gradient_penalty
from cyclegan_keras.training.trainer import Trainer


class AdversarialTrainer(Trainer):
    """A trainer whose networks are discriminators and what these judge.

    All others than the networks called `discriminator_*` learn together, by one optimizer, from one
    weighted sum of terms; the discriminators learn together, by another.

    Args:
        networks: the networks by name.
        translators: direction -> name of the generator for it.
        weights_of_terms: the terms of the generators' objective, and their weights.
        gan_mode: a key of `losses.ADVERSARIAL`. wgangp suits a PatchGAN badly: a gradient penalty
            bounds the slope of a whole-picture critic, not of every patch.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        ema_decay: decay of the moving average of the generators, 0 for none.
        seed: of the gradient penalty.

    Raises:
        ValueError: an unknown `gan_mode`.
    """

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        translators: Mapping[str, str],
        weights_of_terms: Mapping[str, float],
        *,
        gan_mode: str,
        lambda_penalty: float = 10.0,
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
        self.weights_of_terms = dict(weights_of_terms)
        judges = [f"d_{n.removeprefix('discriminator_')}" for n in networks if _is_judge(n)]
        recorded = [*self.weights_of_terms, *judges, "generator_loss"]
        self.means = {term: keras.metrics.Mean(name=term) for term in recorded}

    @classmethod
    def usual_generator(cls, sizes: Collection[tuple[int, int]]) -> str:
        """Returns the generator to take for pictures of these (width, height).

        Six blocks up to 128 pixels and nine beyond: the CycleGAN paper, appendix 7.2.
        """
        return "resnet_6blocks" if max(map(max, sizes)) <= 128 else "resnet_9blocks"

    def build(self, input_shape: Mapping[str, tuple]) -> None:
        """Readies the trainer for batches of `input_shape`, {"x", "y"}: (b, h, w, c)."""
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer, **kwargs) -> None:
        """Takes one optimizer for all that translates and one for all that judges."""
        super().compile(
            {
                "generator_optimizer": (generator_optimizer, self.generator_variables),
                "discriminator_optimizer": (discriminator_optimizer, self.discriminator_variables),
            },
            **kwargs,
        )

    @property
    def generator_variables(self) -> list:
        """What the generators' optimizer updates: all but the discriminators."""
        return self._variables(name for name in self.networks if not _is_judge(name))

    @property
    def discriminator_variables(self) -> list:
        """What the discriminators' optimizer updates."""
        return self._variables(name for name in self.networks if _is_judge(name))

    def discriminator_loss(self, discriminator, real, fake, training: bool = True):
        """Returns half of (real + fake), plus, in training, the penalty of wgangp."""
        # The fakes first, as the reference does: a batch norm remembers the order.
        logits_fake = discriminator(fake, training=training)
        logits_real = discriminator(real, training=training)
        loss = self.adversarial.discriminator(logits_real, logits_fake)
        if self.lambda_penalty and training:
            gradients = self.gradients_between(discriminator, real, fake, self.penalty_seed)
            loss += self.lambda_penalty * gradient_penalty(gradients)
        return loss

    def judgement(self, domain: str) -> Callable:
        """Makes an objective for `minimize`: that of the discriminator of a domain, "x" or "y"."""

        def objective(batch):
            judge = self.networks[f"discriminator_{domain}"]
            loss = self.discriminator_loss(judge, batch[domain], batch[f"fake_{domain}"])
            return loss, {f"d_{domain}": loss}, {}

        return objective

    def weighted_sum(self, terms: Mapping[str, object]):
        """Returns the generators' objective from its unweighted terms."""
        return sum(self.weights_of_terms[name] * value for name, value in terms.items())

    def objective(self, function: Callable) -> Callable:
        """Makes an objective for `minimize` of a function batch -> (terms, pictures)."""

        def weighted(*given):
            terms, pictures = function(*given)
            return self.weighted_sum(terms), terms, pictures

        return weighted

    def extra_state(self) -> dict[str, Iterable]:
        """The seed of the gradient penalty."""
        return {"penalty_seed": [self.penalty_seed.state]}

    def _variables(self, names: Iterable[str]) -> list:
        return [v for name in names for v in self.networks[name].trainable_variables]


def _is_judge(name: str) -> bool:
    return name.startswith("discriminator")
