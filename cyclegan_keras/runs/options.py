"""The options of a training run."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where a run lives, how long it is and what it leaves behind."""

    method: str = option(
        "cyclegan",
        "What to train: cyclegan (unpaired, both ways), cut and fastcut (unpaired, from x to y), "
        "pix2pix (pairs, from x to y). Each has defaults of its own.",
        choices=("cyclegan", "pix2pix", "cut", "fastcut"),
    )
    preset: str | None = option(
        None,
        "A named set of defaults; typed flags still win.",
        choices=(
            "demo",
            "paper",
            "facades",
            "maps",
            "cityscapes",
            "edges2shoes",
            "edges2handbags",
            "day2night",
        ),
    )
    run_dir: str | None = option(
        None,
        "Where the run is kept; runs/<dataset>-<method> unless given. "
        "An interrupted run found there is continued.",
        saved=False,
    )
    init_from: str | None = option(
        None,
        "Start from these weights instead of random ones: a .keras or PyTorch .pth file, a folder "
        "of them (latest_net_G_A.pth, generator_g.keras) or an earlier run; several with commas, "
        "as in discriminator_x=d.pth. Networks are then built as those are.",
    )
    dry_run: bool = option(False, "Print the resolved options and stop.", saved=False)
    seed: int = option(
        0, "Seed of weights, data order, augmentation and pools.", low=0, high=2**32 - 2
    )
    deterministic: bool = option(
        False, "Ask TensorFlow for bit-reproducible kernels; slower on a GPU."
    )
    mixed_precision: str | None = option(
        None, "Compute in half precision.", choices=("float16", "bfloat16")
    )
    remat: bool = option(
        False,
        "Save memory at the cost of time: take the terms of the objective in turn, and recompute "
        "values inside ResNet generators instead of keeping them. The training is the same.",
        may_change=True,
    )
    accumulate_steps: int = option(
        1,
        "Take each step's pictures, --batch_size of them, in so many equal parts, one after the "
        "other: the memory of one part, the same training (but for batch norm, "
        "--nce_all_negatives, --pairs and the penalty of wgangp).",
        low=1,
        may_change=True,
    )
    jit_compile: bool = option(False, "Compile the training step with XLA.")
    steps_per_epoch: int | None = option(
        None, "Length of an epoch; every picture of the larger domain once unless given.", low=1
    )
    log_every: int = option(
        50, "Steps between lines of metrics.jsonl and TensorBoard.", low=1, may_change=True
    )
    sample_every: int = option(
        500, "Steps between sample grids in samples/.", low=1, may_change=True
    )
    sample_count: int = option(
        4, "Test pictures of each domain in a sample grid.", low=1, high=64, may_change=True
    )
    checkpoint_minutes: float = option(
        10.0, "Minutes between checkpoints; one more at the end.", low=0, may_change=True
    )
    keep_checkpoints: int = option(2, "Checkpoints to keep.", low=1, may_change=True)
    doctor: str = option(
        "warn",
        "At every sample grid look for inverted brightness, copying, collapse, checkerboards and "
        "a discriminator that wins: say what was found and what helps (warn), also save and end "
        "the training (stop), or do not look (off).",
        choices=("off", "warn", "stop"),
        may_change=True,
    )
