"""Named sets of defaults. A typed flag, or an option of a run being resumed, wins over them."""

PRESETS: dict[str, dict[str, object]] = {
    # The paper's appendix (7.1, 7.2), spelled out: these are the defaults too.
    "paper": {
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
    # Small enough for two CPU cores: a few minutes from nothing to stripes.
    "demo": {
        "dataset": "demo/ponies",
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
    },
}
