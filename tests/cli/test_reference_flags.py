"""Every flag of the PyTorch reference and of CUT is taken, or answered."""

import re

import pytest

from cyclegan_keras.cli import flags, reference_flags
from cyclegan_keras.commands import evaluate, export, train, translate

# As their option files declare them; the last ones are those of earlier versions.
COMMON = (
    "dataroot name easy_label gpu_ids checkpoints_dir input_nc output_nc ngf ndf netD netG "
    "n_layers_D norm normG normD init_type init_gain no_dropout no_antialias no_antialias_up "
    "dataset_mode direction serial_batches num_threads batch_size load_size crop_size "
    "max_dataset_size preprocess no_flip display_winsize epoch load_iter verbose suffix use_wandb "
    "wandb_project_name which_direction which_model_netG nThreads loadSize fineSize which_epoch"
)
TRAINING = (
    "model CUT_mode display_freq display_ncols display_id display_server display_env display_port "
    "update_html_freq print_freq no_html save_latest_freq save_epoch_freq evaluation_freq "
    "save_by_iter continue_train epoch_count phase pretrained_name n_epochs n_epochs_decay beta1 "
    "beta2 lr gan_mode pool_size lr_policy lr_decay_iters lambda_A lambda_B lambda_identity "
    "lambda_L1 lambda_GAN lambda_NCE nce_idt nce_layers netF netF_nc nce_T num_patches "
    "nce_includes_all_negatives_from_minibatch flip_equivariance niter niter_decay no_lsgan "
    "batchSize which_model_netD resize_or_crop identity"
)
TESTING = "model results_dir aspect_ratio phase eval num_test model_suffix how_many ntest"

COMMANDS = {
    "train": (train.GROUPS, reference_flags.TRAIN, f"{COMMON} {TRAINING}"),
    "translate": (translate.GROUPS, reference_flags.TRANSLATE, f"{COMMON} {TESTING}"),
    "evaluate": (evaluate.GROUPS, reference_flags.EVALUATE, f"{COMMON} {TESTING}"),
    "export": (export.GROUPS, reference_flags.EXPORT, "name epoch gpu_ids load_size eval"),
}


def names_of(groups):
    """Every spelling of every option."""
    spellings = set()
    for name, field in flags.fields(groups).items():
        spellings |= {name, f"no{name}", *field.metadata.get("aliases", ())}
    return spellings


@pytest.mark.parametrize("command", COMMANDS)
def test_each_is_an_option_or_has_an_answer(command):
    groups, answers, theirs = COMMANDS[command]
    assert set(theirs.split()) - names_of(groups) - set(answers) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_answers_name_flags_that_there_are(command):
    groups, answers, _ = COMMANDS[command]
    for answer in answers.values():
        known = names_of(groups)
        if "train.py" in answer:
            known |= names_of(train.GROUPS)
        assert set(re.findall(r"--(\w+)", answer)) <= known, answer


def test_an_answer_takes_the_place_of_a_hint():
    answers = reference_flags.TRAIN
    with pytest.raises(flags.OptionError) as caught:
        flags.parse(["train.py", "--model=cycle_gan"], train.GROUPS, answers)
    assert str(caught.value) == (
        "Unknown flag --model, a flag of the PyTorch reference. Here: --method chooses what to "
        "train: cyclegan, pix2pix, cut or fastcut."
    )
    with pytest.raises(flags.OptionError, match=r"Unknown option 'no_flip', .*\. Here: --noflip\."):
        flags.refuse_unknown(["no_flip"], train.GROUPS, answers)


def test_all_unknown_flags_are_answered_at_once():
    typed = (
        "--dataroot ./maps --name=maps --model cycle_gan --nodropout --nogpu -epochs 3 --no_flip"
    )
    with pytest.raises(flags.OptionError) as caught:
        flags.parse(["train.py", *typed.split()], train.GROUPS, reference_flags.TRAIN)
    lines = str(caught.value).splitlines()
    named = [line.removeprefix("Unknown flag --").split()[0].rstrip(",.") for line in lines]
    assert named == ["name", "model", "nogpu", "epochs", "no_flip"]
    assert "--n_epochs" in lines[3]


@pytest.mark.parametrize(
    ("command", "flag", "answer"),
    [
        (train, "--gpu_ids=0", "CUDA_VISIBLE_DEVICES"),
        (train, "--continue_train", "reference. Not needed: the same command continues"),
        (translate, "--results_dir=results", "--output is the folder"),
        (evaluate, "--num_test=50", "--max_pictures"),
        (export, "--epoch=3", "--model=<run>@<step>"),
    ],
)
def test_the_commands_give_their_answers(command, flag, answer, capsys):
    assert command.main(["program.py", flag]) == 2
    assert answer in capsys.readouterr().err


def test_earlier_names_of_the_number_of_epochs():
    typed = flags.parse(["train.py", "--niter=7", "--niter_decay=9"], train.GROUPS)
    assert typed == {"n_epochs": 7, "n_epochs_decay": 9}
