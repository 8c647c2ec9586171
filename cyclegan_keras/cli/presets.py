"""The defaults that --method and --preset bring.

Both win over the defaults of the options themselves, a preset over a method. The options of a run
that is continued win over them, and so does a typed flag.
"""

from collections.abc import Mapping
from typing import Any

# Park et al., 2020, section 4 and appendix; the reference implementation's options.
_CUT = {
    "generator": "resnet_9blocks",
    "antialias": True,
    "antialias_up": True,
    "init_type": "xavier",
}
# Small enough for two CPU cores: striped ponies after a few minutes.
_SMALL = {
    "preprocess": "crop",  # the drawings have their size already
    "generator": "resnet_3blocks",
    "discriminator": "n_layers",
    "n_layers": 2,
    "ngf": 16,
    "ndf": 32,
    "ema_decay": 0.995,
    "n_epochs": 4,
    "n_epochs_decay": 3,
    "sample_every": 400,
}
# Section 6.2 of the pix2pix paper: 15 epochs, batches of 4. Sizes and no mirroring as its author
# advises: https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/1072.
_EDGES = {
    "method": "pix2pix",
    "batch_size": 4,
    "n_epochs": 15,
    "n_epochs_decay": 0,
    "load_size": 256,
    "flip": False,
}

# --method -> its defaults, where they differ from those of the options themselves.
METHOD_DEFAULTS: dict[str, dict[str, Any]] = {
    "cyclegan": {},
    # Isola et al., 2017, sections 3.3 and 6.1; the reference implementation's options.
    "pix2pix": {
        "norm": "batch",
        "test_statistics": "picture",
        "dropout": True,
        "test_dropout": True,
        "gan_mode": "vanilla",
    },
    "cut": {**_CUT, "n_epochs": 200, "n_epochs_decay": 200},
    "fastcut": {
        **_CUT,
        "lambda_nce": 10.0,
        "nce_identity": False,
        "flip_equivariance": True,
        "n_epochs": 150,
        "n_epochs_decay": 50,
    },
}


def defaults_of(method: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the defaults of a method, without those that contradict a chosen option.

    Args:
        method: one of `METHOD_DEFAULTS`.
        chosen: options by name, from a preset or typed.
    """
    defaults = dict(METHOD_DEFAULTS[method])
    if "upsample" in chosen or str(chosen.get("generator")).startswith("unet"):
        defaults.pop("antialias_up", None)
    return defaults


# --preset -> its defaults.
PRESET_DEFAULTS: dict[str, dict[str, Any]] = {
    # The paper's appendix (7.1, 7.2) spelled out; these are the defaults too.
    "paper": {
        "method": "cyclegan",
        "generator": "resnet_9blocks",
        "ngf": 64,
        "discriminator": "basic",
        "ndf": 64,
        "norm": "instance",
        "gan_mode": "lsgan",
        "lambda_cycle": 10.0,
        "lambda_identity": 0.5,
        "pool_size": 50,
        "learning_rate": 2e-4,
        "beta_1": 0.5,
        "batch_size": 1,
        "load_size": 286,
        "crop_size": 256,
        "n_epochs": 100,
        "n_epochs_decay": 100,
    },
    "demo": {"dataset": "demo/ponies", **_SMALL},
    # Slices of 12 bits from two scanners. Left and right of a body differ, so nothing is mirrored;
    # the higher learning rate suits how few steps there are.
    "scans": {"dataset": "demo/scans", **_SMALL, "flip": False, "learning_rate": 5e-4},
    # Drawn label maps to drawn houses. Bricks keep to their places, so nothing is mirrored; without
    # dropout and with the training's statistics, a drawing changes only where somebody draws.
    "houses": {
        "dataset": "demo/houses",
        "method": "pix2pix",
        "preprocess": "crop",
        "flip": False,
        "discriminator": "n_layers",
        "n_layers": 2,
        "ngf": 16,
        "ndf": 32,
        "dropout": False,
        "test_dropout": False,
        "test_statistics": "running",
        "batch_size": 2,
        "n_epochs": 20,
        "n_epochs_decay": 20,
    },
    # Labels to photos: in these archives A is the photo, as in the training scripts of the pix2pix
    # reference. Everything else is as in section 6.2 of the paper, and a default.
    "facades": {"method": "pix2pix", "direction": "BtoA"},
    "cityscapes": {"method": "pix2pix", "direction": "BtoA"},
    "maps": {"method": "pix2pix"},  # aerial photos to maps
    "edges2shoes": _EDGES,
    "edges2handbags": _EDGES,
    # Section 6.2: 17 epochs, batches of 4. In the archive night2day A is the night.
    "day2night": {
        "method": "pix2pix",
        "direction": "BtoA",
        "batch_size": 4,
        "n_epochs": 17,
        "n_epochs_decay": 0,
    },
}
