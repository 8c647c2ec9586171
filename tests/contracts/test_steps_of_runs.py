"""Every program that takes a model takes a run, and each step that the run keeps."""

import functools
import json
import pathlib

import pytest
from made_runs import make_run

from cyclegan_keras.commands import evaluate, export, train, weights
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.runs.run import Run
from cyclegan_keras.translation.opening import open_translators
from cyclegan_keras.translation.record import fingerprint
from cyclegan_keras.weights.starting import starting_networks
from cyclegan_keras.weights.torch_file import read_state_dicts

pytestmark = pytest.mark.slow  # whole commands

# What a user types -> the step that is meant; the bias of a generator's head is its step.
WORDS = {
    "horse": 7,
    "horse@7": 7,
    "horse@6": 6,
    "horse@5": 5,
    "horse/checkpoints/step_000000006.npz": 6,
    "horse/snapshots/step_000000005": 5,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the run "horse": checkpoints of steps 6 and 7 and snapshots of 5 and 6."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        shallow = functools.partial(ResNetGenerator.from_options, n_blocks=0)
        patch.setitem(GENERATORS, "resnet_3blocks", shallow)
        patch.chdir(folder)
        for step in (5, 6, 7):
            network = ResNetGenerator(ngf=2, n_blocks=0, name="generator_g")
            network.get_layer("head_conv").bias.assign([step] * 3)
            make_run(folder / "horse", {"generator_g": network}, step=step, dataset="demo/ponies")
            if step < 7:
                run = Run("horse")
                network.description = Description.of_run(
                    network, "generator_g", options=run.saved_options(), facts={}, step=step
                )
                run.snapshot(step).mkdir(parents=True)
                network.save(run.snapshot(step) / "generator_g.keras")
        yield folder


def step_of(network):
    return float(network.get_layer("head_conv").bias[0])


@pytest.mark.parametrize(("word", "step"), WORDS.items())
def test_every_program_takes_it(word, step, folder, tmp_path, capsys):
    # translate.py, cyclegan-beam and evaluate.py
    (translator,) = open_translators(word).values()
    assert translator.description.step == step
    # train.py
    assert step_of(starting_networks(word)["generator_g"]) == step
    # export.py
    for flag in ("run_dir", "model"):
        assert export.main(["export.py", f"--{flag}={word}", "--dry_run"]) == 0
        outline = json.loads(capsys.readouterr().out)
        assert outline["source"]["step"] == step
        name = "horse" if word == "horse" else f"horse-step_{step}"
        assert outline["output"] == f"saved_models/{name}"
    # evaluate.py
    assert evaluate.main(["evaluate.py", f"--model={word}", "--dry_run"]) == 0
    outline = json.loads(capsys.readouterr().out)
    assert outline["evaluated on"] == "demo/ponies"
    output = pathlib.Path(outline["output"]).resolve()
    assert output == folder / "horse" / "evaluations" / f"step_{step:09d}"
    # cyclegan-weights
    pth = tmp_path / "g.pth"
    assert weights.main(["export-pth", word, f"--output={pth}"]) == 0
    (state,) = read_state_dicts(pth).values()
    assert list(state.values())[-1][0] == step


def test_translations_remember_the_step(folder):
    digests = {word: fingerprint(word) for word in WORDS}
    assert len({digests[word] for word in ("horse", "horse@6", "horse@5")}) == 3
    (folder / "horse" / "checkpoints" / "step_000000006.npz").rename(folder / "moved")
    try:  # as when a run goes on, which removes checkpoints but no snapshots
        assert fingerprint("horse@6") == digests["horse@6"]
        (translator,) = open_translators("horse@6").values()
        assert translator.description.step == 6
    finally:
        (folder / "moved").rename(folder / "horse" / "checkpoints" / "step_000000006.npz")


def test_what_is_not_kept_is_a_sentence_everywhere(folder, capfd):
    sentence = "horse keeps nothing of step 4. It has checkpoints of steps 6, 7"
    programs = (
        lambda: evaluate.main(["evaluate.py", "--model=horse@4"]),
        lambda: export.main(["export.py", "--run_dir=horse@4"]),
        lambda: export.main(["export.py", "--model=horse@4"]),
        lambda: train.main(["train.py", "--dataset=demo/ponies", "--init_from=horse@4"]),
        lambda: weights.main(["import", "horse@4"]),
    )
    for program in programs:
        assert program() in (1, 2)
        assert sentence in capfd.readouterr().err
