"""pix2pix: Image-to-Image Translation with Conditional Adversarial Networks."""

import dataclasses
from collections.abc import Callable, Collection, Mapping

import keras
from keras import ops

from cyclegan_keras.losses import l1
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.training.adversarial import (
    SEEN_BY_DISCRIMINATORS,
    SEEN_BY_GENERATORS,
    AdversarialTrainer,
)
from cyclegan_keras.training.gradient_steps import Loss
from cyclegan_keras.training.options import Pix2PixOptions


class Pix2Pix(AdversarialTrainer):
    """Learns G: X -> Y from pairs of pictures of one scene.

    The discriminator is conditional: it sees x beside y or G(x), joined along the channels, so that
    a translation must fit its input and not only look real. The objective (section 3.1 of the
    paper) of the generator is, in the paper's letters,

        L_cGAN(G, D) + lambda |y - G(x)|

    and the discriminator minimizes half the sum of its losses on real and on translated pictures.
    As in the reference implementation the discriminator learns first, and the generator then
    answers to the updated one. The paper's noise z is the dropout of the generator.

    A batch is {"x", "y"}, each (batch, height, width, channels) in [-1, 1].

    Args:
        generator_g: G, X -> Y.
        discriminator_y: D; its pictures have the channels of x and of y.
        gan_mode: `"lsgan"`, `"vanilla"` (the paper's), `"hinge"` or `"wgangp"`.
        lambda_l1: weight of |y - G(x)|.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        diff_augment: what is changed at random in all that discriminators see, see
            `AdversarialTrainer`.
        d_regularization: `"r1"` for a penalty of the discriminators' slope at real pictures.
        lambda_r1: weight of that penalty.
        ema_decay: decay of the moving average of the generator, 0 for none.
        seed: of the gradient penalty and of what `diff_augment` changes.
        name: of the model.

    Reference: https://arxiv.org/abs/1611.07004
    """

    needs_pairs = True

    def __init__(
        self,
        generator_g: keras.Model,
        discriminator_y: keras.Model,
        *,
        gan_mode: str = "vanilla",
        lambda_l1: float = 100.0,
        lambda_penalty: float = 10.0,
        diff_augment: str = "none",
        d_regularization: str = "none",
        lambda_r1: float = 0.1,
        ema_decay: float = 0.0,
        seed: int = 0,
        name: str = "pix2pix",
    ):
        super().__init__(
            networks={"generator_g": generator_g, "discriminator_y": discriminator_y},
            translators={"x_to_y": "generator_g"},
            weights_of_terms={"g_adversarial": 1.0, "l1": lambda_l1},
            gan_mode=gan_mode,
            lambda_penalty=lambda_penalty,
            diff_augment=diff_augment,
            d_regularization=d_regularization,
            lambda_r1=lambda_r1,
            ema_decay=ema_decay,
            seed=seed,
            name=name,
        )
        self.generator_g, self.discriminator_y = generator_g, discriminator_y

    @classmethod
    def usual_generator(cls, sizes: Collection[tuple[int, int]]) -> str:
        """Returns the deepest U-Net that the sizes allow; else what unpaired methods take."""
        sides = [side for size in sizes for side in size]
        for name, multiple in (("unet_256", 256), ("unet_128", 128), ("unet_64", 64)):
            if all(side % multiple == 0 for side in sides):
                return name
        return super().usual_generator(sizes)

    @classmethod
    def from_options(
        cls,
        options: Pix2PixOptions,
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
            networks: of the generator and the discriminator.
            make_optimizer: returns a new optimizer.
            shapes: {"x", "y"}, the (height, width, channels) of each domain's pictures.
            seed: of the gradient penalty and of `diff_augment`.
            **compile_options: as in `Trainer.compile_optimizers`.
        """
        x_channels, y_channels = shapes["x"][-1], shapes["y"][-1]
        trainer = cls(
            build_generator(networks, "generator_g", x_channels, y_channels),
            build_discriminator(networks, "discriminator_y", x_channels + y_channels),
            seed=seed,
            **dataclasses.asdict(options),
        )
        trainer.build({side: (None, *shape) for side, shape in shapes.items()})
        trainer.compile(make_optimizer(), make_optimizer(), **compile_options)
        return trainer

    def train_step(self, data: dict) -> dict:
        """Trains on one batch and returns the means of all terms so far."""
        # 1. G translates x.
        translation = self.forward_pass(self.translate_batch, data, self.generator_variables)

        # 2. D learns to distinguish (x, y) from (x, G(x)).
        judged = self.with_draws(data, SEEN_BY_DISCRIMINATORS)
        discriminator = self.minimize(
            [self.loss_of_discriminator],
            batch={**judged, "fake_y": ops.stop_gradient(translation.value)},
            variables=self.discriminator_variables,
            optimizer="discriminator_optimizer",
        )

        # 3. G answers to the updated D.
        generator = self.minimize(
            [self.loss_of_generator],
            batch=self.with_draws(data, SEEN_BY_GENERATORS),
            variables=self.generator_variables,
            optimizer="generator_optimizer",
            forward_pass=translation,
        )

        # 4. The moving average follows G, and the terms are recorded.
        self.finish_step()
        return self.record(
            {**generator.terms, **discriminator.terms, "generator_loss": generator.value}
        )

    def test_step(self, data: dict) -> dict:
        """Records the same terms without an update."""
        fake_y = self.translate_batch(data, training=False)
        generator = self.loss_of_generator(data, fake_y, training=False)
        discriminator = self.loss_of_discriminator({**data, "fake_y": fake_y}, training=False)
        return self.record(
            {**generator.terms, **discriminator.terms, "generator_loss": generator.value}
        )

    def translate_batch(self, batch: dict, training: bool = True):
        """Returns G(x)."""
        return self.generator_g(batch["x"], training=training)

    def loss_of_generator(self, batch: dict, fake_y, training: bool = True) -> Loss:
        """Returns the loss of G whose translation of a batch is `fake_y`."""
        real_x, real_y = batch["x"], batch["y"]
        seen = self.see(batch, "g_fake_y", fake_y, condition=real_x)
        logits = self.discriminator_y(seen, training=training)
        return self.generator_loss(
            {"g_adversarial": self.adversarial.generator(logits), "l1": l1(real_y, fake_y)}
        )

    def loss_of_discriminator(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of D on x beside y and on x beside the "fake_y" of a batch."""
        return self.judgment_loss(
            "y",
            self.discriminator_y,
            batch,
            condition=batch["x"],
            training=training,
        )
