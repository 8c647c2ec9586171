"""pix2pix: Image-to-Image Translation with Conditional Adversarial Networks."""

import dataclasses
from collections.abc import Callable, Collection

import keras
from keras import ops

from cyclegan_keras.losses import l1
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.training.adversarial import AdversarialTrainer
from cyclegan_keras.training.options import Pix2PixOptions


class Pix2Pix(AdversarialTrainer):
    """Learns G: X -> Y from pairs of pictures of one scene.

    The discriminator is conditional: it sees x beside y or G(x), joined along the channels, so that
    a translation must fit its input and not only look real. The objective (section 3.1 of the
    paper) of the generator is, in the paper's letters,

        L_cGAN(G, D) + lambda |y - G(x)|

    and the discriminator minimises half the sum of its losses on real and on translated pictures.
    As in the reference implementation the discriminator learns first, and the generator then
    answers to the updated one. The paper's noise z is the dropout of the generator.

    Args:
        generator_g: G, X -> Y.
        discriminator_y: D; its pictures have the channels of x and of y.
        gan_mode: `"lsgan"`, `"vanilla"` (the paper's), `"hinge"` or `"wgangp"`.
        lambda_l1: weight of |y - G(x)|.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        ema_decay: decay of the moving average of the generator, 0 for none.
        seed: of the gradient penalty.

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
            ema_decay=ema_decay,
            seed=seed,
            name=name,
        )
        self.generator_g, self.discriminator_y = generator_g, discriminator_y

    @classmethod
    def usual_generator(cls, sizes: Collection[tuple[int, int]]) -> str:
        """Returns the deepest U-Net that the sizes allow; else what unpaired methods take."""
        for name, multiple in (("unet_256", 256), ("unet_128", 128), ("unet_64", 64)):
            if not any(side % multiple for size in sizes for side in size):
                return name
        return super().usual_generator(sizes)

    @classmethod
    def from_options(
        cls,
        options: Pix2PixOptions,
        networks: NetworkOptions,
        make_optimizer: Callable[[], keras.optimizers.Optimizer],
        *,
        picture_shape: tuple[int | None, int | None, int],
        seed: int = 0,
        **compile_options,
    ):
        """Returns a trainer ready for `fit`; `picture_shape` is (height, width, channels)."""
        channels = picture_shape[-1]
        trainer = cls(
            build_generator(networks, "generator_g", channels, channels),
            build_discriminator(networks, "discriminator_y", 2 * channels),
            seed=seed,
            **dataclasses.asdict(options),
        )
        trainer.build(dict.fromkeys("xy", (None, *picture_shape)))
        trainer.compile(make_optimizer(), make_optimizer(), **compile_options)
        return trainer

    def generator_terms(self, real_x, real_y, fake_y, training: bool = True) -> dict:
        """Returns the unweighted terms of the generator's objective by name."""
        judged = self.discriminator_y(ops.concatenate([real_x, fake_y], -1), training=training)
        return {"g_adversarial": self.adversarial.generator(judged), "l1": l1(real_y, fake_y)}

    def conditional_loss(self, real_x, real_y, fake_y, training: bool = True):
        """Returns the discriminator's loss on x beside y and on x beside G(x)."""
        real = ops.concatenate([real_x, real_y], -1)  # (batch, height, width, 2 * channels)
        fake = ops.concatenate([real_x, fake_y], -1)
        return self.discriminator_loss(self.discriminator_y, real, fake, training)

    def train_step(self, data: dict) -> dict:
        """One step on {"x", "y"}: the discriminator first, then the generator."""
        begun = self.begin(
            lambda batch: self.generator_g(batch["x"], training=True),
            *(data, self.generator_variables),
        )

        def judgement(batch):
            return self.conditional_loss(batch["x"], batch["y"], batch["fake_y"]), {}, {}

        judged, _ = self.minimize(
            *([judgement], {**data, "fake_y": ops.stop_gradient(begun.value)}),
            *(self.discriminator_variables, "discriminator_optimizer"),
        )

        def translation(batch, fake_y):
            return self.generator_terms(batch["x"], batch["y"], fake_y), {}

        terms, _ = self.minimize(
            [self.objective(translation)],
            *(data, self.generator_variables, "generator_optimizer", begun),
        )

        self.finish_step()
        terms |= {"d_y": judged["loss"], "generator_loss": terms.pop("loss")}
        return self.record(terms)

    def test_step(self, data: dict) -> dict:
        """The same terms on {"x", "y"} without an update."""
        real_x, real_y = data["x"], data["y"]
        fake_y = self.generator_g(real_x, training=False)
        terms = self.generator_terms(real_x, real_y, fake_y, training=False)
        d_y = self.conditional_loss(real_x, real_y, fake_y, training=False)
        loss = self.weighted_sum(terms)
        return self.record({**terms, "d_y": d_y, "generator_loss": loss})
