"""CycleGAN: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks."""

import dataclasses
from collections.abc import Callable

import keras

from cyclegan_keras.layers import ImagePool
from cyclegan_keras.losses import l1
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.training.adversarial import AdversarialTrainer
from cyclegan_keras.training.options import CycleGANOptions


class CycleGAN(AdversarialTrainer):
    """Learns G: X -> Y and F: Y -> X from unpaired pictures.

    The objective (section 3 of the paper) of the generators is, in the paper's letters,

        L_GAN(G, D_Y) + L_GAN(F, D_X)
        + lambda (|F(G(x)) - x| + |G(F(y)) - y|)
        + 0.5 lambda (|G(y) - y| + |F(x) - x|)

    and, for the samples that happen to be pairs, lambda_pairs (|G(x) - y| + |F(y) - x|).
    Each discriminator minimises half the sum of its losses on real and on earlier fake pictures.

    Args:
        generator_g: G, X -> Y.
        generator_f: F, Y -> X.
        discriminator_x: D_X, tells x from F(y).
        discriminator_y: D_Y, tells y from G(x).
        gan_mode: `"lsgan"`, `"vanilla"`, `"hinge"` or `"wgangp"`; see `AdversarialTrainer`.
        lambda_cycle: weight of the cycle terms.
        lambda_identity: weight of the identity terms as a factor of `lambda_cycle`; 0 skips them.
        lambda_pairs: weight of the terms of pairs; data tells which samples are some.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        pool_size: fakes remembered for each discriminator (section 4); 0 for none.
        ema_decay: decay of the moving average of the generators, 0 for none.
        seed: of the pools and of the gradient penalty.

    Reference: https://arxiv.org/abs/1703.10593
    """

    mixes_pairs = True

    def __init__(
        self,
        generator_g: keras.Model,
        generator_f: keras.Model,
        discriminator_x: keras.Model,
        discriminator_y: keras.Model,
        *,
        gan_mode: str = "lsgan",
        lambda_cycle: float = 10.0,
        lambda_identity: float = 0.5,
        lambda_pairs: float = 10.0,
        lambda_penalty: float = 10.0,
        pool_size: int = 50,
        ema_decay: float = 0.0,
        seed: int = 0,
        name: str = "cyclegan",
    ):
        weights = {
            "g_adversarial": 1.0,
            "f_adversarial": 1.0,
            "cycle_x": lambda_cycle,
            "cycle_y": lambda_cycle,
            "identity_x": lambda_cycle * lambda_identity,
            "identity_y": lambda_cycle * lambda_identity,
            "paired_x": lambda_pairs,
            "paired_y": lambda_pairs,
        }
        self.use_identity = weights["identity_x"] > 0
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
            ema_decay=ema_decay,
            seed=seed,
            name=name,
        )
        self.generator_g, self.generator_f = generator_g, generator_f
        self.discriminator_x, self.discriminator_y = discriminator_x, discriminator_y
        self.pool_x = ImagePool(pool_size, seed=seed, name="pool_x")
        self.pool_y = ImagePool(pool_size, seed=seed + 1, name="pool_y")

    @classmethod
    def from_options(
        cls,
        options: CycleGANOptions,
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
            build_generator(networks, "generator_f", channels, channels),
            build_discriminator(networks, "discriminator_x", channels),
            build_discriminator(networks, "discriminator_y", channels),
            seed=seed,
            **dataclasses.asdict(options),
        )
        trainer.build(dict.fromkeys("xy", (None, *picture_shape)))
        trainer.compile(make_optimizer(), make_optimizer(), **compile_options)
        return trainer

    def build(self, input_shape: dict) -> None:
        """Makes the pools for batches of `input_shape`, {"x": (b, h, w, c), "y": (b, h, w, c)}."""
        self.pool_x.build(input_shape["x"])
        self.pool_y.build(input_shape["y"])
        super().build(input_shape)

    def terms_of_x(self, batch: dict, training: bool = True) -> tuple[dict, dict]:
        """Returns the terms of x -> G(x) -> F(G(x)), unweighted, by name, and G(x) as "fake_y"."""
        fake_y = self.generator_g(batch["x"], training=training)
        cycled_x = self.generator_f(fake_y, training=training)
        judged = self.discriminator_y(fake_y, training=training)
        terms = {
            "g_adversarial": self.adversarial.generator(judged),
            "cycle_x": l1(batch["x"], cycled_x),
        }
        if "paired" in batch:
            terms["paired_y"] = l1(batch["y"], fake_y, batch["paired"])
        return terms, {"fake_y": fake_y}

    def terms_of_y(self, batch: dict, training: bool = True) -> tuple[dict, dict]:
        """Returns the terms of y -> F(y) -> G(F(y)), unweighted, by name, and F(y) as "fake_x"."""
        fake_x = self.generator_f(batch["y"], training=training)
        cycled_y = self.generator_g(fake_x, training=training)
        judged = self.discriminator_x(fake_x, training=training)
        terms = {
            "f_adversarial": self.adversarial.generator(judged),
            "cycle_y": l1(batch["y"], cycled_y),
        }
        if "paired" in batch:
            terms["paired_x"] = l1(batch["x"], fake_x, batch["paired"])
        return terms, {"fake_x": fake_x}

    def terms_of_same_x(self, batch: dict, training: bool = True) -> tuple[dict, dict]:
        """Returns the term of x -> F(x), unweighted, by name."""
        same_x = self.generator_f(batch["x"], training=training)
        return {"identity_x": l1(batch["x"], same_x)}, {}

    def terms_of_same_y(self, batch: dict, training: bool = True) -> tuple[dict, dict]:
        """Returns the term of y -> G(y), unweighted, by name."""
        same_y = self.generator_g(batch["y"], training=training)
        return {"identity_y": l1(batch["y"], same_y)}, {}

    @property
    def terms(self) -> list[Callable]:
        """The functions batch -> (terms, pictures) whose terms are the generators' objective.

        A batch is {"x", "y"}, (batch, height, width, channels) in [-1, 1], and perhaps "paired",
        (batch,), 1 where x and y show one scene and 0 elsewhere.
        """
        identity = [self.terms_of_same_x, self.terms_of_same_y] if self.use_identity else []
        return [self.terms_of_x, self.terms_of_y, *identity]

    def generator_terms(self, batch: dict, training: bool = True) -> tuple[dict, dict]:
        """Returns all unweighted terms of a batch, and its fakes, by name; see `terms`."""
        terms, fakes = {}, {}
        for function in self.terms:
            new, made = function(batch, training)
            terms, fakes = terms | new, fakes | made
        return terms, fakes

    def train_step(self, data: dict) -> dict:
        """One step on {"x", "y"}: generators first, then discriminators on pooled fakes."""
        # One slope for both generators: each cycle term trains G and F.
        terms, fakes = self.minimize(
            [self.objective(each) for each in self.terms],
            *(data, self.generator_variables, "generator_optimizer"),
        )

        earlier = {"fake_x": self.pool_x(fakes["fake_x"]), "fake_y": self.pool_y(fakes["fake_y"])}
        judged, _ = self.minimize(
            [self.judgement("x"), self.judgement("y")],
            *(data | earlier, self.discriminator_variables, "discriminator_optimizer"),
        )

        self.finish_step()
        terms |= {"d_x": judged["d_x"], "d_y": judged["d_y"], "generator_loss": terms.pop("loss")}
        return self.record(terms, data.get("paired"))

    def test_step(self, data: dict) -> dict:
        """The same terms on {"x", "y"} without an update; D judges current fakes."""
        terms, fakes = self.generator_terms({"x": data["x"], "y": data["y"]}, training=False)
        losses = {
            f"d_{domain}": self.discriminator_loss(
                *(self.networks[f"discriminator_{domain}"], data[domain], fakes[f"fake_{domain}"]),
                training=False,
            )
            for domain in "xy"
        }
        return self.record({**terms, **losses, "generator_loss": self.weighted_sum(terms)})

    def extra_state(self) -> dict:
        """The pools, beside what every adversarial trainer has."""
        pools = {"pool_x": self.pool_x.variables, "pool_y": self.pool_y.variables}
        return {**super().extra_state(), **pools}
