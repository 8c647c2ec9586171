"""The trainers' options."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How long to train, and how fast."""

    n_epochs: int = option(
        100,
        "Epochs at the full learning rate.",
        low=0,
        may_change=True,
    )
    n_epochs_decay: int = option(
        100,
        "Additional epochs, over which the learning rate falls to zero.",
        low=0,
        may_change=True,
    )
    learning_rate: float = option(
        0.0002,
        "Learning rate of Adam at the start.",
        low=1e-8,
        high=1.0,
        aliases=("lr",),
    )
    beta_1: float = option(
        0.5,
        "Adam's memory of earlier gradients.",
        low=0.0,
        high=0.999,
        aliases=("beta1",),
    )
    lr_policy: str = option(
        "linear",
        "After --n_epochs the learning rate falls to zero in equal steps (linear) or in half a "
        "cosine (cosine); or it is divided by ten every --lr_decay_iters epochs (step), or it "
        "stays (constant).",
        choices=("linear", "cosine", "step", "constant"),
    )
    lr_decay_iters: int = option(
        50,
        "Epochs between two drops of --lr_policy=step.",
        low=1,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdversarialOptions:
    """What all methods have whose generators learn from discriminators."""

    gan_mode: str = option(
        "lsgan",
        "Adversarial loss. wgangp adds its gradient penalty, but suits a PatchGAN badly.",
        choices=("lsgan", "vanilla", "hinge", "wgangp"),
    )
    lambda_penalty: float = option(
        10.0,
        "Weight of the gradient penalty of --gan_mode=wgangp.",
        low=0.0,
    )
    ema_decay: float = option(
        0.0,
        "Decay of an exponential moving average of the generators, for example 0.999. Samples "
        "and exports then use the average; 0 keeps none.",
        low=0.0,
        high=0.999999,
    )

    def changes_for_several_sizes(self) -> list[str]:
        """Returns which options to set for training pictures of several sizes."""
        return ["another --gan_mode"] if self.gan_mode == "wgangp" else []


@dataclasses.dataclass(frozen=True, kw_only=True)
class CycleGANOptions(AdversarialOptions):
    """The objective of CycleGAN."""

    lambda_cycle: float = option(
        10.0,
        "Weight of |F(G(x)) - x| and |G(F(y)) - y|.",
        low=0.0,
    )
    lambda_identity: float = option(
        0.5,
        "Weight of |G(y) - y| and |F(x) - x| as a factor of --lambda_cycle; keeps colors. 0 "
        "skips them.",
        low=0.0,
    )
    lambda_pairs: float = option(
        10.0,
        "Weight of |G(x) - y| and |F(y) - x| on the aligned pairs of --pairs.",
        low=0.0,
    )
    pool_size: int = option(
        50,
        "Earlier fakes shown to each discriminator; 0 for none.",
        low=0,
    )

    def changes_for_several_sizes(self) -> list[str]:
        pools = ["--pool_size=0"] if self.pool_size else []
        return [*super().changes_for_several_sizes(), *pools]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pix2PixOptions(AdversarialOptions):
    """The objective of pix2pix."""

    lambda_l1: float = option(
        100.0,
        "Weight of |y - G(x)|.",
        low=0.0,
        aliases=("lambda_L1",),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class CUTOptions(AdversarialOptions):
    """The objective of CUT and FastCUT.

    Raises:
        ValueError: `nce_layers` are no ascending numbers.
    """

    lambda_nce: float = option(
        1.0,
        "Weight of the contrastive terms.",
        low=0.0,
        aliases=("lambda_NCE",),
    )
    nce_identity: bool = option(
        True,
        "Compare G(y) with y as well; keeps colors.",
        aliases=("nce_idt",),
    )
    flip_equivariance: bool = option(
        False,
        "Mirror half of the batches before the translation, and back after it.",
    )
    nce_layers: str | None = option(
        None,
        "Maps of the generator that are compared, by the numbers of CUT's reference: 0 the "
        "padded picture, 4 and 8 (not antialiased: 4 and 7) the steps down, 12 and on (10 and "
        "on) the blocks. Unless given 0,4,8,12,16, as far as the generator goes.",
    )
    n_patches: int = option(
        256,
        "Places that are compared in each map.",
        low=2,
        aliases=("num_patches",),
    )
    nce_temperature: float = option(
        0.07,
        "Temperature of the contrastive loss.",
        low=1e-3,
        aliases=("nce_T",),
    )
    nce_units: int = option(
        256,
        "Units of the perceptrons that patches are compared by.",
        low=1,
        aliases=("netF_nc",),
    )
    nce_all_negatives: bool = option(
        False,
        "Compare with the places of all pictures of a batch.",
        aliases=("nce_includes_all_negatives_from_minibatch",),
    )

    def __post_init__(self):
        words = (self.nce_layers or "0").split(",")
        numbers = [int(word) for word in words if word.strip().isdecimal()]
        if len(numbers) != len(words) or numbers != sorted(set(numbers)):
            raise ValueError(
                f"--nce_layers={self.nce_layers}: expected ascending numbers with commas, such as "
                "0,4,8,12,16."
            )

    def changes_for_several_sizes(self) -> list[str]:
        identity = ["--nonce_identity"] if self.nce_identity else []
        return [*super().changes_for_several_sizes(), *identity]


# --method -> its options
METHOD_OPTIONS = {
    "cyclegan": CycleGANOptions,
    "pix2pix": Pix2PixOptions,
    "cut": CUTOptions,
    "fastcut": CUTOptions,
}
