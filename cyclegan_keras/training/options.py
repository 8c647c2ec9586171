"""The trainers' options."""

import dataclasses
from typing import Any

from cyclegan_keras.cli.nearest import nearest
from cyclegan_keras.files.option import option

AUGMENTATIONS = ("color", "translation", "cutout")  # of --diff_augment, in the order of `augment`


def augmentation_names(words: str) -> tuple[str, ...]:
    """Returns the names in a list separated by commas, in the order in which they are done.

    Raises:
        ValueError: a name is none of `AUGMENTATIONS`, or stands twice.

    Example:
        >>> augmentation_names("cutout, color")
        ('color', 'cutout')
        >>> augmentation_names("none")
        ()
    """
    names = [name.strip() for name in words.split(",")]
    if names == ["none"]:
        return ()
    unknown = [name for name in names if name not in AUGMENTATIONS]
    if unknown or len(set(names)) < len(names):
        near = list(
            dict.fromkeys(each for name in unknown for each in nearest(name, AUGMENTATIONS))
        )
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise ValueError(
            f"--diff_augment={words}: expected some of {', '.join(AUGMENTATIONS)}, each once and "
            f"separated by commas, or none.{hint}"
        )
    return tuple(name for name in AUGMENTATIONS if name in names)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How long to train, and how fast."""

    n_epochs: int = option(
        100,
        "Epochs at the full learning rate.",
        low=0,
        may_change=True,
        aliases=("niter",),
    )
    n_epochs_decay: int = option(
        100,
        "Further epochs, over which --lr_policy lowers the learning rate.",
        low=0,
        may_change=True,
        aliases=("niter_decay",),
    )
    learning_rate: float = option(
        0.0002,
        "Initial learning rate of Adam. Another one for a run that is continued applies from the "
        "beginning of the next epoch.",
        low=1e-8,
        high=1.0,
        aliases=("lr",),
        may_change=True,
    )
    beta_1: float = option(
        0.5,
        "Adam's decay rate of the mean of gradients.",
        low=0.0,
        high=0.999,
        aliases=("beta1",),
    )
    lr_policy: str = option(
        "linear",
        "How the learning rate changes after --n_epochs. linear: it falls to zero in equal "
        "steps; cosine: it falls to zero along half a cosine; step: it is divided by ten every "
        "--lr_decay_iters epochs; constant: it stays.",
        choices=("linear", "cosine", "step", "constant"),
    )
    lr_decay_iters: int = option(
        50,
        "Epochs between two drops of --lr_policy=step.",
        low=1,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdversarialOptions:
    """The options of all methods whose generators learn from discriminators.

    Raises:
        ValueError: `diff_augment` names something else, there are two penalties of gradients, or
            one of weight 0.
    """

    gan_mode: str = option(
        "lsgan",
        "Adversarial loss. wgangp includes its gradient penalty, but does not suit a PatchGAN "
        "well.",
        choices=("lsgan", "vanilla", "hinge", "wgangp"),
    )
    lambda_penalty: float = option(
        10.0,
        "Weight of the gradient penalty of --gan_mode=wgangp.",
        low=0.0,
    )
    diff_augment: str = option(
        "none",
        "For few pictures and long trainings: change at random whatever discriminators see, real "
        "and translated pictures alike. Some of color, translation and cutout, separated by "
        "commas, or none.",
        several=True,
    )
    d_regularization: str = option(
        "none",
        "Keep discriminators from becoming too steep. r1: penalize their slope at real pictures, "
        "weighted by --lambda_r1.",
        choices=("none", "r1"),
    )
    lambda_r1: float = option(
        0.1,
        "Weight of --d_regularization=r1. Half of it times the squared slope, averaged over "
        "pictures and patches, is added to the loss of each discriminator.",
        low=0.0,
    )
    ema_decay: float = option(
        0.0,
        "Decay of an exponential moving average of the generators' weights, for example 0.999; "
        "samples and exports then use the average. 0: no average.",
        low=0.0,
        high=0.999999,
    )

    def __post_init__(self):
        augmentation_names(self.diff_augment)
        if self.d_regularization != "none" and self.gan_mode == "wgangp":
            raise ValueError(
                f"--d_regularization={self.d_regularization} with --gan_mode=wgangp would penalize "
                "the slope of discriminators twice: use another --gan_mode, or leave it out."
            )
        if self.d_regularization == "r1" and self.lambda_r1 == 0:
            raise ValueError(
                "--d_regularization=r1 with --lambda_r1=0 would penalize nothing: leave both out, "
                "or give a weight above 0."
            )

    @property
    def augmentations(self) -> tuple[str, ...]:
        """The names in `diff_augment`, in the order in which they are done."""
        return augmentation_names(self.diff_augment)

    def changes_for_several_sizes(self) -> list[str]:
        """Returns the options to change where training pictures have several sizes."""
        return ["another --gan_mode"] if self.gan_mode == "wgangp" else []

    def changes_for_different_channels(self) -> dict[str, Any]:
        """Returns the values that options need where x and y differ in channels."""
        return {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CycleGANOptions(AdversarialOptions):
    """The objective of CycleGAN."""

    lambda_cycle: float = option(
        10.0,
        "Weight of |F(G(x)) - x| and |G(F(y)) - y|.",
        low=0.0,
    )
    lambda_cycle_x: float | None = option(
        None,
        "Weight of |F(G(x)) - x| alone, where it differs from that of the other cycle; by default "
        "--lambda_cycle.",
        low=0.0,
        aliases=("lambda_A",),
    )
    lambda_cycle_y: float | None = option(
        None,
        "Weight of |G(F(y)) - y| alone, where it differs from that of the other cycle; by default "
        "--lambda_cycle.",
        low=0.0,
        aliases=("lambda_B",),
    )
    lambda_identity: float = option(
        0.5,
        "Weight of |F(x) - x| and |G(y) - y|, as a factor of the weight of the cycle of x and of "
        "that of y; preserves colors. 0: the terms are not computed.",
        low=0.0,
    )
    lambda_pairs: float = option(
        10.0,
        "Weight of |G(x) - y| and |F(y) - x| on the aligned pairs of --pairs.",
        low=0.0,
    )
    pool_size: int = option(
        50,
        "Earlier fakes that are kept to be shown to each discriminator; 0: none.",
        low=0,
    )

    def changes_for_several_sizes(self) -> list[str]:
        changes = super().changes_for_several_sizes()
        if self.pool_size:
            changes.append("--pool_size=0")
        return changes

    def changes_for_different_channels(self) -> dict[str, Any]:
        return {"lambda_identity": 0.0} if self.lambda_identity else {}


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
        ValueError: `nce_layers` is not a list of ascending numbers.
    """

    lambda_nce: float = option(
        1.0,
        "Weight of the contrastive terms.",
        low=0.0,
        aliases=("lambda_NCE",),
    )
    nce_identity: bool = option(
        True,
        "Also compare G(y) with y; preserves colors.",
        aliases=("nce_idt",),
    )
    flip_equivariance: bool = option(
        False,
        "Mirror half of the batches before they are translated, and mirror their translations "
        "back.",
    )
    nce_layers: str | None = option(
        None,
        "Feature maps of the generator to compare, by their numbers in CUT's reference "
        "implementation: 0 is the padded picture; 4 and 8 (without --antialias 4 and 7) are the "
        "steps down; 12 and higher (without --antialias 10 and higher) are the blocks. By "
        "default 0,4,8,12,16, or those of them that the generator has.",
        several=True,
    )
    n_patches: int = option(
        256,
        "Positions that are compared in each feature map.",
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
        "Units in the layers of the perceptrons that patches pass before they are compared.",
        low=1,
        aliases=("netF_nc",),
    )
    nce_all_negatives: bool = option(
        False,
        "Use the positions of all pictures of a batch as negatives, not only those of the same "
        "picture.",
        aliases=("nce_includes_all_negatives_from_minibatch",),
    )

    def __post_init__(self):
        super().__post_init__()
        words = (self.nce_layers or "0").split(",")
        numbers = [int(word) for word in words if word.strip().isdecimal()]
        if len(numbers) != len(words) or numbers != sorted(set(numbers)):
            raise ValueError(
                f"--nce_layers={self.nce_layers}: expected ascending numbers with commas, such as "
                "0,4,8,12,16."
            )

    def changes_for_several_sizes(self) -> list[str]:
        changes = super().changes_for_several_sizes()
        if self.nce_identity:
            changes.append("--nonce_identity")
        return changes

    def changes_for_different_channels(self) -> dict[str, Any]:
        return {"nce_identity": False} if self.nce_identity else {}


# --method -> its options
METHOD_OPTIONS = {
    "cyclegan": CycleGANOptions,
    "pix2pix": Pix2PixOptions,
    "cut": CUTOptions,
    "fastcut": CUTOptions,
}
