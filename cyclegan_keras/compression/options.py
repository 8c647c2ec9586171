"""The options of a compression."""

import dataclasses

from cyclegan_keras.files.option import option, option_of
from cyclegan_keras.runs.options import RunOptions

LEAST_STEPS_OF_GAN = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompressionOptions:
    """What to make smaller, how small, and for how long the small one learns.

    Raises:
        ValueError: options that do not go together.
    """

    # ---- what, and where to ----
    model: str | None = option(
        None,
        "The generators to make smaller, as translate.py --model takes them: a run, <run>@<step>, "
        "a .keras file, one of another program (such as .pth or <file>@<network>), a folder of "
        "them, hf://user/name@revision, or after a comma a second one for the opposite direction.",
        required=True,
        may_change=True,
        several=True,
    )
    run_dir: str | None = option_of(
        RunOptions,
        "run_dir",
        help="Directory of the compression; runs/<name of the model>-small by default. A "
        "compression found there is continued.",
    )

    # ---- how small ----
    target_kb: float | None = option(
        None,
        "Largest size of the .tflite file of --variant, in kB of 1,000 bytes. Of several targets, "
        "all hold.",
        low=0.0,
    )
    target_ms: float | None = option(
        None,
        "Longest time that this file takes for a picture of --size on --threads of this machine, "
        "in milliseconds.",
        low=0.0,
    )
    target_macs: float | None = option(
        None,
        "Most multiplications of all convolutions for a picture of --size, such as 2.6e9.",
        low=0.0,
    )
    shape: str | None = option(
        None,
        "Instead of targets: channels of the first convolution x residual blocks, such as 16x6; "
        "for a U-Net the channels alone.",
    )
    variant: str = option(
        "dynamic",
        "Which .tflite file the targets are for.",
        choices=("fp32", "fp16", "dynamic", "uint8", "int8", "integer"),
    )
    size: str | None = option(
        None,
        "Size in pixels of the pictures that the targets are for: one side for a square, or "
        "height x width, such as 480x640. By default 256, or that of the model's training if it "
        "is smaller.",
    )
    threads: int = option(2, "Threads of the CPU for --target_ms.", low=1, high=256)

    # ---- how it learns ----
    minutes: float = option(
        10.0,
        "How long to learn: as many steps are made as this machine does in so many minutes. Their "
        "number is found once, when the compression begins.",
        low=0.01,
        high=43200,  # 30 days
    )
    steps: int | None = option(None, "How many steps to make, instead of --minutes.", low=1)
    patch_size: int = option(
        128,
        "Side in pixels of the squares that are cut at random out of the training's pictures to "
        "learn on; at most as large as those. Several small ones in a step teach more than a whole "
        "picture.",
        low=4,
    )
    learning_rate: float = option(
        7e-4,
        "Initial learning rate of Adam; it falls along half a cosine.",
        low=1e-8,
        high=1.0,
        aliases=("lr",),
    )
    lambda_perceptual: float = option(
        3.0,
        "Weight of the perceptual distance to the teacher's answer, beside that of the mean "
        "absolute difference, which is 1. It needs the extra [eval].",
        low=0.0,
    )
    lambda_offset: float = option(
        0.0,
        "Weight of the difference between the mean colors of a translation and of the teacher's.",
        low=0.0,
    )
    repeats: int = option(
        4,
        "How often each answer of the teacher is used where answers are kept on the disk.",
        low=1,
    )
    cache_gb: float | None = option(
        None,
        "Gigabytes of 10^9 bytes that the teacher's answers may take in answers/; 0: none are "
        "kept, and the teacher answers in every step. By default 4 on a CPU, and 0 on a GPU, "
        "where the teacher answers quickly.",
        low=0.0,
        high=1e6,
        may_change=True,
    )
    gan: bool = option(
        False,
        "In the last third of the steps, also learn from the discriminators of the model's run. "
        "The result is kept only if it is nearer to real pictures by KID.",
    )
    seed: int = option_of(
        RunOptions, "seed", help="Seed of the order of the data and of their augmentation."
    )
    deterministic: bool = option_of(RunOptions, "deterministic")
    mixed_precision: str | None = option_of(RunOptions, "mixed_precision")
    jit_compile: bool = option_of(RunOptions, "jit_compile")

    # ---- what it leaves behind ----
    max_pictures: int = option(
        100,
        "Held-out pictures of each direction on which the receipt measures, at most.",
        low=3,
        may_change=True,
    )
    log_every: int = option_of(RunOptions, "log_every")
    sample_every: int = option_of(RunOptions, "sample_every")
    sample_count: int = option_of(RunOptions, "sample_count")
    checkpoint_minutes: float = option_of(RunOptions, "checkpoint_minutes")
    keep_checkpoints: int = option_of(RunOptions, "keep_checkpoints")

    # ---- instead of compressing ----
    dry_run: bool = option_of(
        RunOptions,
        "dry_run",
        help="Print the options that would be used, and the shape where it needs no measuring, "
        "and stop.",
    )
    plan: bool = option(
        False,
        "Measure what the compression would take, and stop: the shape and its cost, the time of "
        "an answer and of a step, the steps in --minutes and the disk that answers take. Nothing "
        "is written.",
        saved=False,
    )

    def __post_init__(self):
        targets = {
            "target_kb": self.target_kb,
            "target_ms": self.target_ms,
            "target_macs": self.target_macs,
        }
        given = [name for name, value in targets.items() if value is not None]
        if self.shape is not None and given:
            raise ValueError(
                f"--shape={self.shape} is chosen by hand, and --{given[0]} asks for a search: give "
                "one of them."
            )
        if self.gan and self.steps is not None and self.steps < LEAST_STEPS_OF_GAN:
            raise ValueError(
                "--gan learns from discriminators in the last third of the steps, and "
                f"--steps={self.steps} has none: give at least {LEAST_STEPS_OF_GAN}."
            )
