import pytest

from cyclegan_keras.cli.nearest import nearest

KNOWN = [
    "batch_size",
    "beta_1",
    "crop_size",
    "discriminator",
    "gan_mode",
    "lambda_cycle",
    "lambda_identity",
    "learning_rate",
    "load_size",
    "lr_policy",
    "method",
    "n_epochs",
    "n_layers",
    "ndf",
    "ngf",
    "noflip",
    "run_dir",
    "sample_every",
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("learing_rate", ["learning_rate"]),
        ("lamda_cycle", ["lambda_cycle"]),
        ("epochs", ["n_epochs"]),
        ("epoch", ["n_epochs"]),
        ("num_epochs", ["n_epochs"]),
        ("batchsize", ["batch_size"]),
        ("Batch_Size", ["batch_size"]),
        ("crop_szie", ["crop_size"]),
        ("size", ["crop_size", "load_size", "batch_size"]),
        ("lambda", ["lambda_cycle", "lambda_identity"]),
        ("noflp", ["noflip"]),
        ("ngff", ["ngf"]),
    ],
)
def test_typing_errors_and_parts_of_names(typed, meant):
    assert nearest(typed, KNOWN) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "model",
        "name",
        "names",
        "beta_2",
        "beta2",
        "lambda_A",
        "lambda_gan",
        "lambda_vgg",
        "lr_rate",
        "norm_G",
        "save_every",
        "sample_dir",
        "load_iter",
        "load_width",
        "gpu_ids",
        "phase",
        "verbose",
        "zzz",
        "",
    ],
)
def test_another_word_means_nothing_here(typed):
    assert nearest(typed, KNOWN) == []
