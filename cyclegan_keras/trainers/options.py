"""The trainers' options."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How long to train, and how fast."""

    n_epochs: int = dataclasses.field(
        default=100,
        metadata={
            "help": "Epochs at the full learning rate.",
            "low": 0,
            "may_change": True,
        },
    )
    n_epochs_decay: int = dataclasses.field(
        default=100,
        metadata={
            "help": "Additional epochs, over which the learning rate falls to zero.",
            "low": 0,
            "may_change": True,
        },
    )
    learning_rate: float = dataclasses.field(
        default=2e-4,
        metadata={
            "help": "Learning rate of Adam at the start.",
            "low": 1e-8,
            "high": 1.0,
            "aliases": ("lr",),
        },
    )
    beta_1: float = dataclasses.field(
        default=0.5,
        metadata={
            "help": "Adam's memory of earlier gradients.",
            "low": 0.0,
            "high": 0.999,
            "aliases": ("beta1",),
        },
    )
    lr_policy: str = dataclasses.field(
        default="linear",
        metadata={
            "help": "After --n_epochs the learning rate falls to zero in equal steps (linear) or "
            "in half a cosine (cosine); or it is divided by ten every --lr_decay_iters epochs "
            "(step), or it stays (constant).",
            "choices": ("linear", "cosine", "step", "constant"),
        },
    )
    lr_decay_iters: int = dataclasses.field(
        default=50,
        metadata={"help": "Epochs between two drops of --lr_policy=step.", "low": 1},
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class CycleGANOptions:
    """The objective of CycleGAN."""

    gan_mode: str = dataclasses.field(
        default="lsgan",
        metadata={
            "help": "Adversarial loss. wgangp adds its gradient penalty, but suits a PatchGAN "
            "badly.",
            "choices": ("lsgan", "vanilla", "hinge", "wgangp"),
        },
    )
    lambda_cycle: float = dataclasses.field(
        default=10.0,
        metadata={"help": "Weight of |F(G(x)) - x| and |G(F(y)) - y|.", "low": 0.0},
    )
    lambda_identity: float = dataclasses.field(
        default=0.5,
        metadata={
            "help": "Weight of |G(y) - y| and |F(x) - x| as a factor of --lambda_cycle; keeps "
            "colours. 0 skips them.",
            "low": 0.0,
        },
    )
    lambda_penalty: float = dataclasses.field(
        default=10.0,
        metadata={"help": "Weight of the gradient penalty of --gan_mode=wgangp.", "low": 0.0},
    )
    pool_size: int = dataclasses.field(
        default=50,
        metadata={"help": "Earlier fakes shown to each discriminator; 0 for none.", "low": 0},
    )
    ema_decay: float = dataclasses.field(
        default=0.0,
        metadata={
            "help": "Decay of an exponential moving average of the generators, for example 0.999. "
            "Samples and exports then use the average; 0 keeps none.",
            "low": 0.0,
            "high": 0.999999,
        },
    )


# --method -> its options
METHOD_OPTIONS = {"cyclegan": CycleGANOptions}
