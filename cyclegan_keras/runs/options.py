"""The options of a training run."""

import dataclasses

from cyclegan_keras.cli import presets
from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where a run lives, how long it is and what it leaves behind."""

    method: str = option(
        "cyclegan",
        "What to train: cyclegan (unpaired pictures, both directions), cut or fastcut (unpaired "
        "pictures, x to y), pix2pix (pairs, x to y). Each method has defaults of its own.",
        choices=tuple(presets.METHOD_DEFAULTS),
    )
    preset: str | None = option(
        None,
        "A named set of defaults; flags that you type win over it.",
        choices=tuple(presets.PRESET_DEFAULTS),
    )
    run_dir: str | None = option(
        None,
        "Directory of the run; runs/<dataset>-<method> by default. A run found there is continued.",
        saved=False,
    )
    init_from: str | None = option(
        None,
        "Start from these weights instead of random ones: a .keras file, one of PyTorch or "
        "safetensors (<file>@<network> for one network of several), a folder of such files "
        "(latest_net_G_A.pth, generator_g.keras), another run, <run>@<step> for an earlier step "
        "that it keeps, or a model on the Hugging Face Hub (hf://user/name@revision); several, "
        "separated by commas, may be named, as in discriminator_x=d.pth. "
        "The networks are then built like those.",
        several=True,
    )
    dry_run: bool = option(False, "Print the options that would be used, and stop.", saved=False)
    seed: int = option(
        0,
        "Seed of the weights, the order of the data, the augmentation and the image pools.",
        low=0,
        high=2**32 - 2,
    )
    deterministic: bool = option(
        False,
        "Ask TensorFlow for operations that give the same bits every time; slower on a GPU.",
        may_change=True,
    )
    mixed_precision: str | None = option(
        None, "Compute in half precision, with weights in float32.", choices=("float16", "bfloat16")
    )
    remat: bool = option(
        False,
        "Save memory at the cost of time: compute the terms of the objective one after the "
        "other, and recompute activations inside ResNet generators instead of keeping them. The "
        "result of the training is the same.",
        may_change=True,
    )
    accumulate_steps: int = option(
        1,
        "Divide the --batch_size pictures of each step into so many equal parts and accumulate "
        "their gradients: takes the memory of one part. The training is the same, except with "
        "batch norm, --nce_all_negatives, --pairs and the penalty of wgangp.",
        low=1,
        may_change=True,
    )
    jit_compile: bool = option(False, "Compile the training step with XLA.", may_change=True)
    steps_per_epoch: int | None = option(
        None,
        "Steps in an epoch; by default, as many as show every picture of the larger domain once.",
        low=1,
    )
    log_every: int = option(
        50,
        "Steps between lines of metrics.jsonl and points in the trackers.",
        low=1,
        may_change=True,
    )
    sample_every: int = option(
        500, "Steps between sample grids in samples/.", low=1, may_change=True
    )
    sample_count: int = option(
        4, "Test pictures of each domain in a sample grid.", low=1, high=64, may_change=True
    )
    checkpoint_minutes: float = option(
        10.0,
        "Minutes between checkpoints; another one is written at the end.",
        low=0,
        may_change=True,
    )
    keep_checkpoints: int = option(
        2, "How many of the newest checkpoints to keep.", low=1, may_change=True
    )
    snapshot_every: int = option(
        0,
        "Steps between snapshots of the generators, which are all kept, in "
        "snapshots/step_<step>/; 0 for none. --model=<run>@<step> takes one.",
        low=0,
        may_change=True,
    )
    doctor: str = option(
        "warn",
        "With every sample grid, check for inverted brightness, copied inputs, mode collapse, "
        "checkerboards and a discriminator that wins. warn: log what was found and what helps; "
        "stop: also save and end the training; off: do not check.",
        choices=("off", "warn", "stop"),
        may_change=True,
    )
