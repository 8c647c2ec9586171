"""What every method owes its users, from the first step to the use of its generators."""

import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.cli.presets import METHOD_DEFAULTS
from cyclegan_keras.commands import evaluate, export, train, translate
from cyclegan_keras.runs.checkpoint import META
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training import progress
from cyclegan_keras.training.table import TRAINERS
from cyclegan_keras.weights import starting
from pipelines.sources import demo

pytestmark = pytest.mark.slow  # whole commands

TINY = (
    "--load_size=18",
    "--crop_size=16",
    "--generator=resnet_3blocks",
    "--discriminator=pixel",
    "--ngf=1",
    "--ndf=1",
    "--n_epochs=1",
    "--n_epochs_decay=1",
    "--steps_per_epoch=2",
    "--log_every=1",
    "--sample_every=2",
    "--sample_count=4",
    "--seed=3",
)
TERMS = {
    "cyclegan": "g_adversarial f_adversarial cycle_x cycle_y identity_x identity_y d_x d_y",
    "pix2pix": "g_adversarial l1 d_y",
    "cut": "g_adversarial nce_x nce_y d_y",
    "fastcut": "g_adversarial nce_x d_y",
}
# FastCUT is CUT with other options, which the tests of what a run leaves behind look at.
FASTCUT_LATER = [
    pytest.param(method, marks=pytest.mark.release if method == "fastcut" else ())
    for method in TRAINERS
]
# What stops a run is the same for all methods.
ONE_WAY_LATER = [
    pytest.param(method, marks=() if method == "cyclegan" else pytest.mark.release)
    for method in TRAINERS
]
ONE_WAY = [method for method in TRAINERS if method != "cyclegan"]


def run(*words):
    return train.main(["train.py", *map(str, words)])


def words_of(method):
    dataset = "demo/pony_pairs" if TRAINERS[method].needs_pairs else "demo/ponies"
    return (*TINY, f"--method={method}", f"--dataset={dataset}")


@pytest.fixture(scope="module", autouse=True)
def _few_test_pictures(small_and_without_graphs):
    """test_train.py trains with graphs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "TEST_COUNT", 4)
        yield


@pytest.fixture(scope="module", params=TRAINERS)
def finished(request, tmp_path_factory):
    """A method, and a run of four steps that was never interrupted."""
    run_dir = tmp_path_factory.mktemp(request.param) / "run"
    assert run(*words_of(request.param), f"--run_dir={run_dir}") == 0
    return request.param, run_dir


def final_state(run_dir):
    with np.load(max((run_dir / "checkpoints").iterdir())) as archive:
        return {name: archive[name] for name in archive.files}


def copied(run_dir, tmp_path):
    return shutil.copytree(run_dir, tmp_path / "run")


def error_of(capfd, program):
    return capfd.readouterr().err.rpartition(f"{program}.py:")[2]


def test_a_run_leaves_its_terms_its_checks_and_its_generators(finished):
    method, run_dir = finished
    last = json.loads((run_dir / "metrics.jsonl").read_text().splitlines()[-1])
    assert {*TERMS[method].split(), "generator_loss"} <= last.keys()
    assert not {"paired_x", "paired_y"} & last.keys()
    checks = Run(run_dir).checks()
    assert [row["step"] for row in checks] == [2, 4]
    assert "G/change" in checks[0]
    generators = sorted(path.name for path in run_dir.glob("*.keras"))
    assert generators == ["generator_f.keras"] * (method == "cyclegan") + ["generator_g.keras"]
    with Image.open(max((run_dir / "samples").iterdir())) as grid:
        assert grid.width == 128 * {"cyclegan": 6, "pix2pix": 3}.get(method, 2)


def test_the_defaults_of_the_method_are_saved(finished):
    method, run_dir = finished
    saved = Run(run_dir).saved_options()
    typed = {word[2:].partition("=")[0] for word in words_of(method)}
    for name, value in METHOD_DEFAULTS[method].items():
        assert name in typed or saved[name] == value
    others = {"lambda_cycle": "cyclegan", "lambda_l1": "pix2pix"}
    assert all((name in saved) == (method == owner) for name, owner in others.items())


@pytest.mark.parametrize("finished", FASTCUT_LATER, indirect=True)
def test_an_interrupted_run_ends_like_one_never_interrupted(finished, tmp_path, monkeypatch):
    method, uninterrupted = finished
    run_dir = tmp_path / "run"
    show = progress.Progress.after_step

    def interrupted(self, before, logs):
        show(self, before, logs)
        if self.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(progress.Progress, "after_step", interrupted)
    assert run(*words_of(method), f"--run_dir={run_dir}") == 128 + signal.SIGTERM
    assert Run(run_dir).last_step() < 4
    monkeypatch.setattr(progress.Progress, "after_step", show)
    assert run(f"--run_dir={run_dir}") == 0
    state, expected = final_state(run_dir), final_state(uninterrupted)
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)


@pytest.mark.parametrize("finished", ONE_WAY_LATER, indirect=True)
def test_a_loss_that_is_not_finite_stops_the_run(finished, tmp_path, capfd):
    run_dir = copied(finished[1], tmp_path)
    state = final_state(run_dir)
    state.pop(META)
    for name in state:  # weights that have grown without bound, but are finite still
        if name.startswith("discriminator") and name.endswith("kernel"):
            state[name] = state[name] * np.float32(1e30)
    Run(run_dir).save(4, state)
    assert run(f"--run_dir={run_dir}", "--n_epochs_decay=2") == 1
    message = error_of(capfd, "train")
    assert "NaN or infinite at step 5. The last good checkpoint is that of step 4." in message
    assert [path.name for path in (run_dir / "checkpoints").iterdir()] == ["step_000000004.npz"]


BAD_INPUT = {
    "cyclegan": (
        ["--lambda_l1=3"],
        "does not belong to --method=cyclegan, but to: pix2pix",
    ),
    "pix2pix": (["--pool_size=3"], "does not belong to --method=pix2pix, but to: cyclegan"),
    "cut": (["--lambda_cycle=3"], "does not belong to --method=cut, but to: cyclegan"),
    "fastcut": (["--lambda_cycle=3"], "does not belong to --method=fastcut, but to: cyclegan"),
    "pix2pix without pairs": (["--dataset=demo/ponies"], "demo/pony_pairs"),
    "cut of a U-Net": (
        ["--generator=unet_64", "--crop_size=64", "--load_size=64"],
        "A ResNet generator is needed",
    ),
    "fastcut of few blocks": (["--nce_layers=0,16"], "--nce_layers=0,16 with --generator=resnet_3"),
    "cut of several sizes": (
        ["--dataset=mixed", "--preprocess=none"],
        "use --nonce_identity, or a --preprocess that crops",
    ),
    "cyclegan of several sizes": (
        ["--dataset=mixed", "--preprocess=none", "--gan_mode=wgangp"],
        "use another --gan_mode and --pool_size=0, or",
    ),
    "pix2pix of sizes that differ": (
        ["--dataset=wide", "--preprocess=none", "--generator=unet_64"],
        "Pictures of 96x64 pixels do not fit the networks: sides must be multiples of 64",
    ),
    "cut with some pairs": (["--pairs=pairs.csv"], "--pairs is for --method=cyclegan, not for cut"),
    "cyclegan with another's preset": (
        ["--preset=facades"],
        "is for --method=pix2pix, not",
    ),
}


BAD_INPUT.update(
    {
        f"{method} with a large batch": (["--batch_size=500"], "--batch_size=500 is more than")
        for method in TRAINERS
    }
)


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_exit_code_2(case, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for folder, sizes in (("trainA", [(20, 20), (32, 24)]), ("trainB", [(20, 20)])):
        (tmp_path / "mixed" / folder).mkdir(parents=True)
        for number, size in enumerate(sizes):
            Image.new("RGB", size, "green").save(tmp_path / "mixed" / folder / f"{number}.png")
    (tmp_path / "wide" / "train").mkdir(parents=True)
    for width in (64, 96, 128):
        Image.new("RGB", (2 * width, 64), "red").save(tmp_path / "wide" / "train" / f"{width}.png")
    method = case.split()[0]
    words, expected = BAD_INPUT[case]
    assert run(*words_of(method), *words) == 2
    assert expected in error_of(capfd, "train")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("finished", ONE_WAY, indirect=True)
def test_asking_a_one_way_method_for_the_way_back_is_a_sentence(finished, tmp_path, capfd):
    _, run_dir = finished
    asked = [f"--model={run_dir}", "--direction=BtoA"]
    (tmp_path / "in").mkdir()
    Image.new("RGB", (20, 16), "brown").save(tmp_path / "in" / "a.png")
    words = ["translate.py", *asked, f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out'}"]
    assert translate.main(words) == 2
    assert "AtoB" in error_of(capfd, "translate")
    assert evaluate.main(["evaluate.py", *asked]) == 2
    assert "translates only AtoB" in error_of(capfd, "evaluate")


@pytest.mark.parametrize("finished", FASTCUT_LATER, indirect=True)
def test_generators_translate_evaluate_and_start_another_run(
    finished, tmp_path, monkeypatch, capsys
):
    method, run_dir = finished
    Image.effect_noise((21, 18), 80).convert("RGB").save(tmp_path / "a.png")
    words = [f"--input={tmp_path / 'a.png'}", f"--output={tmp_path / 'b.png'}"]
    assert translate.main(["translate.py", f"--model={run_dir}", *words]) == 0
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (21, 18)
    words = [f"--output={tmp_path / 'evaluation'}", "--metrics=paired,cycle", "--max_pictures=3"]
    assert evaluate.main(["evaluate.py", f"--model={run_dir}", *words]) == 0
    (first, *others) = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())[
        "directions"
    ]
    assert any(measure["name"] == "L1 to the truth" for measure in first["measures"])
    assert len(others) == (method == "cyclegan")
    assert ("cycle" in first["left_out"]) == (method != "cyclegan")
    capsys.readouterr()
    # No option names a generator of one block; tests/weights/test_starting.py reads real ones.
    monkeypatch.setattr(starting, "network_options", lambda networks: {})
    words = [*words_of(method), f"--init_from={run_dir}", f"--run_dir={tmp_path / 'next'}"]
    assert run(*words, "--n_epochs_decay=0", "--steps_per_epoch=1") == 0
    assert "Starting generator_g from" in capsys.readouterr().out


@pytest.mark.release
@pytest.mark.parametrize("finished", ["pix2pix"], indirect=True)  # with its noise
def test_generators_are_exported_as_they_translate(finished, tmp_path):
    _, run_dir = finished
    words = [f"--run_dir={run_dir}", f"--output={tmp_path / 'out'}", "--format=saved_model,tflite"]
    assert export.main(["export.py", *words, "--tflite_size=16"]) == 0
    receipt = json.loads(next((tmp_path / "out").glob("receipt*.json")).read_text())
    assert {row["direction"] for row in receipt["files"]} == {"a_to_b"}
    generator = keras.saving.load_model(run_dir / "generator_g.keras")
    assert generator.description.words == "brown ponies to striped ponies"
