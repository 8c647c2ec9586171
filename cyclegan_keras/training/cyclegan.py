"""CycleGAN: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks."""

import dataclasses
from collections.abc import Callable, Mapping

import keras

from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.losses import l1
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.training.adversarial import (
    SEEN_BY_DISCRIMINATORS,
    SEEN_BY_GENERATORS,
    AdversarialTrainer,
)
from cyclegan_keras.training.gradient_steps import Loss, engine
from cyclegan_keras.training.options import CycleGANOptions


class CycleGAN(AdversarialTrainer):
    """Learns G: X -> Y and F: Y -> X from unpaired pictures.

    The objective (section 3 of the paper) of the generators is, in the paper's letters,

        L_GAN(G, D_Y) + L_GAN(F, D_X)
        + lambda (|F(G(x)) - x| + |G(F(y)) - y|)
        + 0.5 lambda (|G(y) - y| + |F(x) - x|)

    where the terms of x and those of y may have lambdas of their own, and, for the samples that
    happen to be pairs, lambda_pairs (|G(x) - y| + |F(y) - x|).
    Each discriminator minimizes half the sum of its losses on real and on earlier fake pictures.

    A batch is {"x", "y"}, each (batch, height, width, channels) in [-1, 1], and perhaps "paired",
    (batch,), which is 1 where x and y show one scene and 0 elsewhere. x and y may differ in
    channels; then `lambda_identity` must be 0.

    Args:
        generator_g: G, X -> Y.
        generator_f: F, Y -> X.
        discriminator_x: D_X, which distinguishes x from F(y).
        discriminator_y: D_Y, which distinguishes y from G(x).
        gan_mode: `"lsgan"`, `"vanilla"`, `"hinge"` or `"wgangp"`; see `AdversarialTrainer`.
        lambda_cycle: weight of the cycle terms.
        lambda_cycle_x: weight of |F(G(x)) - x| where it differs: the reference's lambda_A.
        lambda_cycle_y: weight of |G(F(y)) - y| where it differs: the reference's lambda_B.
        lambda_identity: weight of |F(x) - x| and of |G(y) - y|, as a factor of that of the cycle of
            x and of y; 0 skips them.
        lambda_pairs: weight of the terms of pairs.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        diff_augment: what is changed at random in all that discriminators see, see
            `AdversarialTrainer`.
        d_regularization: `"r1"` for a penalty of the discriminators' slope at real pictures.
        lambda_r1: weight of that penalty.
        pool_size: fakes remembered for each discriminator (section 4); 0 for none.
        ema_decay: decay of the moving average of the generators, 0 for none.
        seed: of the pools, of the gradient penalty and of what `diff_augment` changes.
        name: of the model.

    Reference: https://arxiv.org/abs/1703.10593
    """

    mixes_pairs = True
    judges_real_first = True

    def __init__(
        self,
        generator_g: keras.Model,
        generator_f: keras.Model,
        discriminator_x: keras.Model,
        discriminator_y: keras.Model,
        *,
        gan_mode: str = "lsgan",
        lambda_cycle: float = 10.0,
        lambda_cycle_x: float | None = None,
        lambda_cycle_y: float | None = None,
        lambda_identity: float = 0.5,
        lambda_pairs: float = 10.0,
        lambda_penalty: float = 10.0,
        diff_augment: str = "none",
        d_regularization: str = "none",
        lambda_r1: float = 0.1,
        pool_size: int = 50,
        ema_decay: float = 0.0,
        seed: int = 0,
        name: str = "cyclegan",
    ):
        weight_x = lambda_cycle if lambda_cycle_x is None else lambda_cycle_x
        weight_y = lambda_cycle if lambda_cycle_y is None else lambda_cycle_y
        weights = {
            "g_adversarial": 1.0,
            "f_adversarial": 1.0,
            "cycle_x": weight_x,
            "cycle_y": weight_y,
            "identity_x": weight_x * lambda_identity,
            "identity_y": weight_y * lambda_identity,
            "paired_x": lambda_pairs,
            "paired_y": lambda_pairs,
        }
        super().__init__(
            networks={
                "generator_g": generator_g,
                "generator_f": generator_f,
                "discriminator_x": discriminator_x,
                "discriminator_y": discriminator_y,
            },
            translators={"x_to_y": "generator_g", "y_to_x": "generator_f"},
            weights_of_terms=weights,
            gan_mode=gan_mode,
            lambda_penalty=lambda_penalty,
            diff_augment=diff_augment,
            d_regularization=d_regularization,
            lambda_r1=lambda_r1,
            ema_decay=ema_decay,
            seed=seed,
            name=name,
        )
        self.use_identity = weights["identity_x"] > 0 or weights["identity_y"] > 0
        self.generator_g, self.generator_f = generator_g, generator_f
        self.discriminator_x, self.discriminator_y = discriminator_x, discriminator_y
        self.pool_x = engine.image_pool(pool_size, seed=seed, name="pool_x")
        self.pool_y = engine.image_pool(pool_size, seed=seed + 1, name="pool_y")

    @classmethod
    def from_options(
        cls,
        options: CycleGANOptions,
        networks: NetworkOptions,
        make_optimizer: Callable[[], keras.optimizers.Optimizer],
        *,
        shapes: Mapping[str, tuple[int | None, int | None, int]],
        seed: int = 0,
        **compile_options,
    ):
        """Returns a trainer ready for `fit`.

        Args:
            options: of the objective.
            networks: of the generators and discriminators.
            make_optimizer: returns a new optimizer.
            shapes: {"x", "y"}, the (height, width, channels) of each domain's pictures.
            seed: of the pools, of the gradient penalty and of `diff_augment`.
            **compile_options: as in `Trainer.compile_optimizers`.

        Raises:
            TrainingError: x and y differ in channels, and the identity needs equal ones.
        """
        x_channels, y_channels = shapes["x"][-1], shapes["y"][-1]
        if options.lambda_identity and x_channels != y_channels:
            raise TrainingError(
                f"--lambda_identity={options.lambda_identity:g} feeds y to G, which takes "
                f"{x_channels} channels, but y has {y_channels}: use --lambda_identity=0."
            )
        trainer = cls(
            build_generator(networks, "generator_g", x_channels, y_channels),
            build_generator(networks, "generator_f", y_channels, x_channels),
            build_discriminator(networks, "discriminator_x", x_channels),
            build_discriminator(networks, "discriminator_y", y_channels),
            seed=seed,
            **dataclasses.asdict(options),
        )
        trainer.build({side: (None, *shape) for side, shape in shapes.items()})
        trainer.compile(make_optimizer(), make_optimizer(), **compile_options)
        return trainer

    def build(self, input_shape: Mapping[str, tuple]) -> None:
        """Builds the pools for batches of `input_shape`, {"x", "y"}: (b, h, w, c)."""
        self.pool_x.build(input_shape["x"])
        self.pool_y.build(input_shape["y"])
        super().build(input_shape)

    def train_step(self, data: dict) -> dict:
        """Trains on one batch and returns the means of all terms so far."""
        # 1. G and F take one step on the sum of their losses, so each cycle term trains both.
        generators = self.minimize(
            self.generator_objectives,
            batch=self.with_draws(data, SEEN_BY_GENERATORS),
            variables=self.generator_variables,
            optimizer="generator_optimizer",
        )

        # 2. The pools exchange about half of the new fakes for earlier ones.
        earlier_x = self.pool_x(generators.pictures["fake_x"])
        earlier_y = self.pool_y(generators.pictures["fake_y"])

        # 3. D_X and D_Y learn to distinguish real pictures from these fakes.
        judged = self.with_draws(data, SEEN_BY_DISCRIMINATORS)
        discriminators = self.minimize(
            [self.loss_of_discriminator_x, self.loss_of_discriminator_y],
            batch={**judged, "fake_x": earlier_x, "fake_y": earlier_y},
            variables=self.discriminator_variables,
            optimizer="discriminator_optimizer",
        )

        # 4. The moving averages follow the generators, and the terms are recorded.
        self.finish_step()
        terms = {**generators.terms, **discriminators.terms, "generator_loss": generators.value}
        return self.record(terms, data.get("paired"))

    def test_step(self, data: dict) -> dict:
        """Records the same terms without an update; the discriminators judge current fakes."""
        generators = self.loss_of_generators({"x": data["x"], "y": data["y"]}, training=False)
        judged = {**data, **generators.pictures}
        d_x = self.loss_of_discriminator_x(judged, training=False).value
        d_y = self.loss_of_discriminator_y(judged, training=False).value
        terms = {**generators.terms, "d_x": d_x, "d_y": d_y, "generator_loss": generators.value}
        return self.record(terms)

    @property
    def generator_objectives(self) -> list[Callable]:
        """The functions batch -> `Loss` whose sum G and F minimize."""
        objectives = [self.loss_of_x_cycle, self.loss_of_y_cycle]
        if self.use_identity:
            objectives += [self.loss_of_x_identity, self.loss_of_y_identity]
        return objectives

    def loss_of_generators(self, batch: dict, training: bool = True) -> Loss:
        """Returns the sum of all `generator_objectives`, with their terms and fakes."""
        terms, fakes = {}, {}
        for objective in self.generator_objectives:
            loss = objective(batch, training)
            terms.update(loss.terms)
            fakes.update(loss.pictures)
        return self.generator_loss(terms, fakes)

    def loss_of_x_cycle(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of x -> G(x) -> F(G(x)); its picture "fake_y" is G(x)."""
        real_x = batch["x"]
        fake_y = self.generator_g(real_x, training=training)
        cycled_x = self.generator_f(fake_y, training=training)
        logits = self.discriminator_y(self.see(batch, "g_fake_y", fake_y), training=training)
        terms = {
            "g_adversarial": self.adversarial.generator(logits),
            "cycle_x": l1(real_x, cycled_x),
        }
        if "paired" in batch:
            terms["paired_y"] = l1(batch["y"], fake_y, batch["paired"])
        return self.generator_loss(terms, {"fake_y": fake_y})

    def loss_of_y_cycle(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of y -> F(y) -> G(F(y)); its picture "fake_x" is F(y)."""
        real_y = batch["y"]
        fake_x = self.generator_f(real_y, training=training)
        cycled_y = self.generator_g(fake_x, training=training)
        logits = self.discriminator_x(self.see(batch, "g_fake_x", fake_x), training=training)
        terms = {
            "f_adversarial": self.adversarial.generator(logits),
            "cycle_y": l1(real_y, cycled_y),
        }
        if "paired" in batch:
            terms["paired_x"] = l1(batch["x"], fake_x, batch["paired"])
        return self.generator_loss(terms, {"fake_x": fake_x})

    def loss_of_x_identity(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of x -> F(x): F should not change what is in X already."""
        same_x = self.generator_f(batch["x"], training=training)
        return self.generator_loss({"identity_x": l1(batch["x"], same_x)})

    def loss_of_y_identity(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of y -> G(y): G should not change what is in Y already."""
        same_y = self.generator_g(batch["y"], training=training)
        return self.generator_loss({"identity_y": l1(batch["y"], same_y)})

    def loss_of_discriminator_x(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of D_X on the real "x" and the "fake_x" of a batch."""
        return self.judgment_loss("x", self.discriminator_x, batch, training=training)

    def loss_of_discriminator_y(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of D_Y on the real "y" and the "fake_y" of a batch."""
        return self.judgment_loss("y", self.discriminator_y, batch, training=training)

    def extra_state(self) -> dict:
        """The pools, beside what every adversarial trainer has."""
        return {
            **super().extra_state(),
            "pool_x": self.pool_x.variables,
            "pool_y": self.pool_y.variables,
        }
