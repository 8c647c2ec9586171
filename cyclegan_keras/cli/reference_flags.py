"""Answers to flags of the PyTorch reference and of CUT that have another name or none here.

A flag that means the same has the same name, or is an alias of the option; it needs no answer. An
answer follows "Unknown flag --name, a flag of the PyTorch reference. ". `docs/make_options.py`
makes the page docs/from-the-reference.md of them.
"""

_DISPLAY = "not needed: TensorBoard shows the curves and the sample grids of <run>/tensorboard"
_HTML = "not needed: sample grids are pictures in <run>/samples, and TensorBoard shows them"
_CONTINUES = "not needed: the same command continues a run from the step at which it ended"
_WANDB = "--tracker=wandb, of train.py, logs to Weights & Biases"
_WANDB_PROJECT = "set the environment variable WANDB_PROJECT; --tracker=wandb of train.py heeds it"
_KNOWN_BY_MODEL = "not needed: the model knows what it was trained with"
_MODEL_OF_RUN = (
    "--model=<run> takes a run by its folder, with the generators that it has last saved"
)
_MODEL_OF_STEP = "--model=<run>@<step> takes the generators of an earlier step"
_THREADS = "not needed: pictures are read by as many threads as keep the device busy"
_RUN_DIR = "--run_dir=runs/<name> names the folder of the run"
_NORM = "--norm is the normalization of all networks"
_DIRECTION = "--direction=AtoB or --direction=BtoA"
_WHOLE_INPUT = "not needed: all of --input is translated, which may be a pattern"
_OWN_SIZE = "not needed: a translation has the size of its picture"
_MAX_PICTURES = "--max_pictures is the number of pictures to evaluate at most"
_EVERY_DIRECTION = "not needed: all directions of the model are exported"
_TFLITE_SIZE = "--tflite_size is the size of TFLite files; all others take any"
_GPUS = "set the environment variable CUDA_VISIBLE_DEVICES to the GPUs to use, or to -1 for the CPU"

# Flags that have the same answer in every command.
_EVERYWHERE = {
    "gpu_ids": _GPUS,
    "num_threads": _THREADS,
    "nThreads": _THREADS,
    "verbose": "not needed: facts about the networks are in <run>/options.json",
    "serial_batches": "not offered: the order of pictures is drawn from the seed of the run, and "
    "repeats itself",
    "display_winsize": _DISPLAY,
    "display_freq": _DISPLAY,
    "display_ncols": _DISPLAY,
    "display_id": _DISPLAY,
    "display_server": _DISPLAY,
    "display_env": _DISPLAY,
    "display_port": _DISPLAY,
    "use_wandb": _WANDB,
    "wandb_project_name": _WANDB_PROJECT,
    "easy_label": "not needed: the folder of a run names it",
}

TRAIN = {
    **_EVERYWHERE,
    # ---- the run ----
    "name": _RUN_DIR,
    "checkpoints_dir": "--run_dir names the folder of the run, which holds its checkpoints",
    "suffix": _RUN_DIR,
    "model": "--method chooses what to train: cyclegan, pix2pix, cut or fastcut",
    "CUT_mode": "--method=cut or --method=fastcut",
    "gpu_ids": f"{_GPUS}; --distribute says whether a batch is divided over them",
    "phase": "not needed: a training takes trainA and trainB, or train",
    "isTrain": "not needed: train.py trains, translate.py and evaluate.py test",
    # ---- going on ----
    "continue_train": _CONTINUES,
    "epoch_count": _CONTINUES,
    "epoch": _CONTINUES,
    "which_epoch": _CONTINUES,
    "load_iter": _CONTINUES,
    "pretrained_name": "--init_from starts from the weights of another run, or of files",
    "save_latest_freq": "--checkpoint_minutes is the time between checkpoints",
    "save_epoch_freq": "--snapshot_every is the number of steps between generators that are kept",
    "save_by_iter": "not needed: all that is saved is named by its step",
    "evaluation_freq": "--eval_every evaluates every so many steps and keeps the best generators",
    "print_freq": "--log_every is the number of steps between two rows of metrics",
    "update_html_freq": "--sample_every is the number of steps between two sample grids",
    "no_html": _HTML,
    # ---- networks ----
    "which_model_netG": "--generator (or --netG) chooses the architecture of the generators",
    "which_model_netD": "--discriminator (or --netD) chooses the architecture of the "
    "discriminators",
    "normG": _NORM,
    "normD": _NORM,
    "no_dropout": "--nodropout; only pix2pix has dropout by default",
    "no_antialias": "--noantialias; only cut and fastcut have it by default",
    "no_antialias_up": "--noantialias_up; only cut and fastcut have it by default",
    "netF": "not offered: patches pass a perceptron, as with the default mlp_sample",
    # ---- data ----
    "dataset_mode": "not needed: --method says whether pictures are pairs",
    "no_flip": "--noflip",
    "which_direction": _DIRECTION,
    "loadSize": "--load_size",
    "fineSize": "--crop_size",
    "batchSize": "--batch_size",
    "resize_or_crop": "--preprocess",
    # ---- objective ----
    "beta2": "not offered: it is 0.999, as in the reference",
    "no_lsgan": "--gan_mode=vanilla",
    "identity": "--lambda_identity",
    "lambda_R1": "--d_regularization=r1 turns the penalty on, and --lambda_r1 is its weight",
    "lambda_GAN": "not offered: it is 1, and the other weights are relative to it",
}

# What only a network's builder needs to know.
_OF_A_MODEL = dict.fromkeys(
    (
        "netG",
        "netD",
        "which_model_netG",
        "ngf",
        "ndf",
        "n_layers_D",
        "norm",
        "normG",
        "normD",
        "init_type",
        "init_gain",
        "no_dropout",
        "no_antialias",
        "no_antialias_up",
        "input_nc",
        "output_nc",
        "dataset_mode",
    ),
    _KNOWN_BY_MODEL,
)
_OF_TESTING = {
    **_EVERYWHERE,
    **_OF_A_MODEL,
    "name": _MODEL_OF_RUN,
    "checkpoints_dir": _MODEL_OF_RUN,
    "suffix": _MODEL_OF_RUN,
    "CUT_mode": _MODEL_OF_RUN,
    "epoch": _MODEL_OF_STEP,
    "which_epoch": _MODEL_OF_STEP,
    "load_iter": _MODEL_OF_STEP,
    "model_suffix": "--direction=AtoB or --direction=BtoA chooses the generator",
    "which_direction": _DIRECTION,
    "results_dir": "--output is the folder to write to",
    "eval": "not needed: dropout and batch norm do at test time what the training set "
    "(--test_dropout and --test_statistics of train.py)",
    "no_flip": "not needed: nothing is mirrored at test time",
}

TRANSLATE = {
    **_OF_TESTING,
    "dataroot": "--input=<folder>/testA names the pictures",
    "phase": "--input=<folder>/testA names the pictures",
    "num_test": _WHOLE_INPUT,
    "how_many": _WHOLE_INPUT,
    "ntest": _WHOLE_INPUT,
    "max_dataset_size": _WHOLE_INPUT,
    "preprocess": _OWN_SIZE,
    "load_size": _OWN_SIZE,
    "crop_size": _OWN_SIZE,
    "loadSize": _OWN_SIZE,
    "fineSize": _OWN_SIZE,
    "aspect_ratio": _OWN_SIZE,
}

EVALUATE = {
    **_OF_TESTING,
    "dataroot": "--dataset names the pictures; by default they are those of the run",
    "phase": "not needed: testA and testB are taken, or test",
    "num_test": _MAX_PICTURES,
    "how_many": _MAX_PICTURES,
    "ntest": _MAX_PICTURES,
    "max_dataset_size": _MAX_PICTURES,
    "preprocess": _KNOWN_BY_MODEL,
    "load_size": _KNOWN_BY_MODEL,
    "crop_size": _KNOWN_BY_MODEL,
    "loadSize": _KNOWN_BY_MODEL,
    "fineSize": _KNOWN_BY_MODEL,
    "aspect_ratio": _KNOWN_BY_MODEL,
    "batch_size": "not needed: so many pictures of one size are taken together as is quickest",
}

EXPORT = {
    **_OF_TESTING,
    "dataroot": "--pictures names a folder to compare the exported files on",
    "direction": _EVERY_DIRECTION,
    "which_direction": _EVERY_DIRECTION,
    "model_suffix": _EVERY_DIRECTION,
    "no_flip": "not needed: nothing is mirrored in an export",
    "load_size": _TFLITE_SIZE,
    "crop_size": _TFLITE_SIZE,
    "loadSize": _TFLITE_SIZE,
    "fineSize": _TFLITE_SIZE,
    "batch_size": "--tflite_batch is the batch of TFLite files; all others take any",
}
