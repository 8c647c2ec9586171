"""The training command: what a user types, reads and finds afterwards."""

import contextlib
import dataclasses
import io
import json
import logging
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from golden_files import FOLDER
from made_runs import make_run
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_options import PONIES

from cyclegan_keras.cli import flags
from cyclegan_keras.commands import train
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training.doctor import findings
from cyclegan_keras.training.options import METHOD_OPTIONS
from cyclegan_keras.weights.networks import load_network
from pipelines import outage
from pipelines.data import Data

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.usefixtures("without_blocks"),
]

TINY = (
    *PONIES,
    "--n_epochs=1",
    "--n_epochs_decay=1",
    "--steps_per_epoch=4",
    "--sample_every=3",
    "--sample_count=2",
)
RECORDED = FOLDER / "checkpoints" / "resnet6_ngf4_zip.pth"
ANTIALIASED = RECORDED.with_name("antialias_ngf4_zip.pth")
TERMS = {
    "g_adversarial",
    "f_adversarial",
    "cycle_x",
    "cycle_y",
    "identity_x",
    "identity_y",
    "d_x",
    "d_y",
    "generator_loss",
}


@pytest.fixture
def eager():
    """A few steps take less time than tracing one of them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def run(*words):
    """Runs the command in this process."""
    return train.main(["train.py", *map(str, words)])


# As the fixture `without_blocks`. Graphs as they are traced take less time for a few steps.
SMALL = """
import functools, runpy, sys
import tensorflow as tf
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from pipelines.sources import demo

GENERATORS["resnet_3blocks"] = functools.partial(ResNetGenerator.from_options, n_blocks=0)
demo.TEST_COUNT = 6
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
"""
RUN_TRAIN = "runpy.run_path('train.py', run_name='__main__')"
# Several runs in one process: their words are separated by "--then".
RUN_TRAIN_IN_TURN = """
from cyclegan_keras.commands import train

words = sys.argv[1:]
while words:
    own = words[: words.index("--then")]
    words = words[len(own) + 1 :]
    print("exit code", train.main(["train.py", *own]), flush=True)
"""


def start(*words, code=RUN_TRAIN):
    """Starts the command as a process of its own, with the generators of `small`."""
    code = f"{SMALL}{code}"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def finish(process, code=0):
    """Waits for `process`; returns what it wrote."""
    out, err = process.communicate(timeout=900)  # only so that a fault does not hang
    assert process.returncode == code, err[-3000:]
    return out, err


def rows_of(run_dir):
    """The lines of metrics.jsonl, but for those of evaluations."""
    rows = map(json.loads, (run_dir / "metrics.jsonl").read_text().splitlines())
    return [row for row in rows if "eval/score" not in row]


def steps_of(run_dir):
    return [row["step"] for row in rows_of(run_dir)]


def final_state(run_dir):
    with np.load(max((run_dir / "checkpoints").iterdir())) as archive:
        return {name: archive[name] for name in archive.files}


def assert_same_state(run_dir, other):
    state, expected = final_state(run_dir), final_state(other)
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of eight steps that has come to its end, and what it printed."""
    run_dir = tmp_path_factory.mktemp("finished") / "run"
    chosen = ("--eval_every=4", "--eval_pictures=3", "--snapshot_every=4")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert run(*TINY, "--seed=3", *chosen, f"--run_dir={run_dir}") == 0
    return run_dir, out.getvalue(), err.getvalue()


def test_a_run_leaves_everything_behind(finished):
    run_dir, out, err = finished
    assert {path.name for path in run_dir.iterdir()} == {
        ".lock",
        "best",
        "checkpoints",
        "doctor.jsonl",
        "facts.json",
        "generator_f.keras",
        "generator_g.keras",
        "metrics.jsonl",
        "options.json",
        "samples",
        "snapshots",
        "tensorboard",
    }
    assert "Finished: step 8 of 8." in out
    for line in ("G on x:", "F on y:", "generator_g.keras", "generator_f.keras"):
        assert line in out
    assert re.search(
        r"mean error .* of 255; unchanged inputs have .*, so it is cut by -?\d+%\.", out
    )
    assert "img/s" in err
    assert len(list((run_dir / "tensorboard").iterdir())) == 1
    shown = EventAccumulator(str(run_dir / "tensorboard")).Reload().Tags()["tensors"]
    assert {*TERMS, "samples", "eval/score", "doctor/D_X/loss_to_chance"} <= set(shown)


def test_options_are_saved_with_automatic_ones_made_definite(finished):
    options = json.loads((finished[0] / "options.json").read_text())
    assert options["steps_per_epoch"] == 4
    assert options["seed"] == 3
    assert options["pool_size"] == 50
    own = flags.groups_of("cyclegan", train.GROUPS, METHOD_OPTIONS)
    assert set(options) == {
        name for name, field in flags.fields(own).items() if field.metadata.get("saved", True)
    }


def test_metrics_hold_every_term_and_the_learning_rates(finished):
    rows = rows_of(finished[0])
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    assert [row["epoch"] for row in rows] == [1, 1, 2, 2]
    for row in rows:
        assert row.keys() >= TERMS
        assert row["images_per_second"] > 0
    rates = [row["generator_optimizer/learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, [2e-4, 2e-4, 1e-4, 1e-4])


def test_sample_grids_are_pictures_of_a_size_to_look_at(finished):
    paths = sorted((finished[0] / "samples").iterdir())
    assert [path.name for path in paths] == [f"step_00000000{step}.png" for step in (0, 3, 6, 8)]
    with Image.open(paths[-1]) as picture:
        assert picture.size == (6 * 128, 2 * 128 + 16)
        assert np.asarray(picture).std() > 20


@pytest.mark.parametrize("name", ["generator_g", "generator_f"])
def test_generators_load_with_keras_and_take_any_size(finished, name):
    """tests/contracts/test_imports.py loads a generator in another process."""
    network = keras.saving.load_model(finished[0] / f"{name}.keras")
    assert network(np.zeros((1, 24, 40, 3))).shape == (1, 24, 40, 3)


def test_generators_tell_what_they_are(finished):
    run_dir, _, _ = finished
    description_g = load_network(run_dir / "generator_g.keras").description
    description_f = load_network(run_dir / "generator_f.keras").description
    assert description_g.words == "brown ponies to striped ponies"
    assert description_f.words == "striped ponies to brown ponies"
    assert (description_g.direction, description_f.direction) == ("AtoB", "BtoA")
    assert description_g.step == 8
    assert description_g.training["options"]["ngf"] == 2
    assert description_g.training["data"]["trainA"]["count"] == 400
    assert "keras" in description_g.training["versions"]


def test_the_best_generators_are_kept_beside_the_last(finished):
    run_dir, out, _ = finished
    assert f"by which rule: {run_dir / 'best'}" in out
    best = json.loads((run_dir / "best" / "best.json").read_text())
    rows = map(json.loads, (run_dir / "metrics.jsonl").read_text().splitlines())
    scores = {row["step"]: row["eval/score"] for row in rows if "eval/score" in row}
    assert list(scores) == [4, 8]
    assert best["score"] == min(scores.values()) == scores[best["step"]]
    network = load_network(run_dir / "best" / "generator_f.keras")
    assert network.description.step == best["step"]


def test_generators_of_several_steps_are_kept(finished):
    run_dir = finished[0]
    assert Run(run_dir).snapshot_steps() == [4, 8]
    for name in ("generator_g", "generator_f"):
        earlier, later = (load_network(Run(run_dir).snapshot(n) / f"{name}.keras") for n in (4, 8))
        assert (earlier.description.step, later.description.step) == (4, 8)
        assert same_weights(run_dir, name, later)
        assert not same_weights(run_dir, name, earlier)


def test_the_same_command_again_says_finished(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    before = final_state(run_dir)
    assert run(*TINY, "--seed=3", f"--run_dir={run_dir}") == 0
    out = capsys.readouterr().out
    assert "after step 8" in out
    assert "Finished: step 8 of 8." in out
    assert before.keys() == final_state(run_dir).keys()
    assert steps_of(run_dir) == [2, 4, 6, 8]


def test_a_torn_checkpoint_gives_way_to_the_one_before(finished, tmp_path, caplog, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    (newest,) = (run_dir / "checkpoints").iterdir()
    earlier = newest.with_name("step_000000008.npz")
    torn = newest.with_name("step_000000009.npz")
    torn.write_bytes(earlier.read_bytes()[:-1000])
    with caplog.at_level(logging.WARNING):
        assert run(*TINY, "--seed=3", f"--run_dir={run_dir}") == 0
    assert f"{torn} is refused" in caplog.text
    assert "after step 8" in capsys.readouterr().out


def test_help_is_complete_and_grouped(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert "python train.py --dataset=cycle_gan/horse2zebra" in out
    titles = {word for line in out.splitlines() if line.endswith(":") for word in line.split(", ")}
    assert {title.rstrip(":") for title in titles} >= set(train.GROUPS)
    for name in flags.fields(train.GROUPS):
        assert name in out


def test_dry_run_shows_the_options_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # No other worker is waited for.
    assert run("--preset=demo", "--ngf=5", "--distribute=multi_worker", "--dry_run") == 0
    options = json.loads(capsys.readouterr().out)
    assert options["ngf"] == 5  # typed
    assert options["ndf"] == 32  # preset
    assert options["lambda_cycle"] == 10.0  # default
    assert options["run_dir"] == "runs/demo-ponies-cyclegan"
    assert list(tmp_path.iterdir()) == []


def test_options_page_is_current():
    module = runpy.run_path(str(ROOT / "docs" / "make_options.py"))
    assert (ROOT / "docs" / "options.md").read_text() == module["page"]()
    assert (ROOT / "docs" / "from-the-reference.md").read_text() == module["reference_page"]()


def folder(root, **contents):
    """Makes a data set: folder name -> list of (file name, size or bytes)."""
    for name, files in contents.items():
        (root / name).mkdir(parents=True)
        for file, what in files:
            if isinstance(what, bytes):
                (root / name / file).write_bytes(what)
            else:
                Image.new("RGB", what, (90, 120, 40)).save(root / name / file)
    return root


GOOD = [("1.png", (20, 20)), ("2.JPG", (20, 20))]
BAD_INPUT = {
    "no data set": ([], "--dataset is missing"),
    "unknown set": (["--dataset=cycle_gan/horse2zebar"], "cycle_gan/horse2zebra"),
    "unknown demo": (["--dataset=demo/cats"], "demo/ponies"),
    "missing folder": (["--dataset=./nowhere"], "nowhere"),
    "empty folder": (["--dataset=empty"], "trainA"),
    "no pictures": (["--dataset=bare"], "trainB holds no pictures"),
    "corrupt picture": (
        ["--dataset=torn", "--crop_size=16", "--on_bad_image=error"],
        "broken.png",
    ),
    "small picture": (["--dataset=good", "--preprocess=crop", "--crop_size=64"], "smaller than"),
    "load below crop": (["--dataset=good", "--crop_size=64", "--load_size=32"], "--load_size=32"),
    "stride": ([*TINY, "--crop_size=18"], "multiples of 4"),
    "too small for D": ([*TINY, "--discriminator=basic"], "at least"),
    "pool of several sizes": (["--dataset=mixed", "--preprocess=none"], "--pool_size=0"),
    "penalty of several sizes": (
        ["--dataset=mixed", "--preprocess=none", "--pool_size=0", "--gan_mode=wgangp"],
        "use another --gan_mode, or a --preprocess that crops",
    ),
    "several sizes, too small": (
        ["--dataset=mixed", "--preprocess=none", "--pool_size=0"],
        "at least",
    ),
    "seed": (["--dataset=good", "--seed=5000000000"], "--seed=5000000000: expected at most"),
    "not a number": (["--dataset=good", "--lambda_cycle=nan"], "--lambda_cycle=nan"),
    "out of range": (["--dataset=good", "--ngf=0"], "--ngf=0: expected at least 1."),
    "wrong type": (["--dataset=good", "--ngf=many"], "ngf"),
    "unknown flag": (["--dataset=good", "--lamda_cycle=3"], "Did you mean --lambda_cycle"),
    "stray word": (["cycle_gan/horse2zebra"], "--name=value"),
    "not a run": (["--dataset=demo/ponies", "--run_dir=good"], "is not a run"),
    "two ways up": ([*TINY, "--antialias_up", "--upsample=resize"], "choose one"),
    "not of a U-Net": (["--dataset=good", "--generator=unet_128", "--padding=zero"], "--padding"),
    "too small for a U-Net": ([*TINY, "--generator=unet_128"], "multiples of 128"),
    "no weights": ([*TINY, "--init_from=gone.pth"], "gone.pth is not a file"),
    "bad weights": ([*TINY, "--init_from=good/trainA/1.png"], "cannot be read"),
    "other weights": ([*TINY, f"--init_from={RECORDED}"], "does not fit the options typed"),
    "options of others": (
        [*TINY, f"--init_from={ANTIALIASED}", "--upsample=resize"],
        "upsample='transpose' instead of 'resize'",
    ),
    "unreachable": (["--dataset=cycle_gan/maps", "--data_dir=tfds"], "--dataset=<that folder>"),
}


@pytest.mark.parametrize(("words", "expected"), BAD_INPUT.values(), ids=list(BAD_INPUT))
def test_bad_input_is_a_sentence_and_exit_code_2(words, expected, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    if "--dataset=cycle_gan/maps" in words:  # a closed port instead of the internet
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        # urllib makes its opener once a process, with the proxies of that moment.
        monkeypatch.setattr(urllib.request, "_opener", None)
    (tmp_path / "empty").mkdir()
    folder(tmp_path / "bare", trainA=GOOD, trainB=[])
    folder(tmp_path / "good", trainA=GOOD, trainB=GOOD)
    folder(tmp_path / "torn", trainA=[*GOOD, ("broken.png", b"\x89PNG")], trainB=GOOD)
    folder(tmp_path / "mixed", trainA=[*GOOD, ("3.png", (32, 24))], trainB=GOOD)
    assert run(*words) == 2
    (line,) = [row for row in capfd.readouterr().err.splitlines() if row.startswith("train.py:")]
    assert expected in line
    assert len(line) < 600
    assert not (tmp_path / "runs").exists()


def test_options_that_contradict_the_run_are_named(finished, capsys):
    assert run(*TINY, "--seed=4", f"--run_dir={finished[0]}") == 2
    assert "--seed=4 (the run has 3)" in capsys.readouterr().err


def test_a_second_process_leaves_the_options_alone(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    before = (run_dir / "options.json").read_text()
    with Run(run_dir).locked():
        assert run(f"--run_dir={run_dir}", "--n_epochs=7") == 2
    assert "Another process is working" in capsys.readouterr().err
    assert (run_dir / "options.json").read_text() == before


def test_a_run_killed_before_its_first_checkpoint_starts_its_metrics_over(finished, tmp_path):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    shutil.rmtree(run_dir / "checkpoints")
    with open(run_dir / "metrics.jsonl", "a") as file:
        file.write('{"step": 10, "tor')
    assert run(f"--run_dir={run_dir}", "--n_epochs=0", "--n_epochs_decay=0") == 0
    assert (run_dir / "metrics.jsonl").read_text() == ""


@pytest.mark.parametrize(("side", "blocks"), [(128, 6), (132, 9)])
def test_six_blocks_up_to_128_pixels(side, blocks):
    options = flags.resolve(train.GROUPS, {"dataset": "demo/ponies", "crop_size": side})
    data = Data(options["data"], seed=0)
    filled = train.fill_in(options, data)
    assert filled["networks"].generator == f"resnet_{blocks}blocks"
    assert filled["run"].steps_per_epoch == 400


def starting(*words):
    """Ends before the first step, so that a run's generators are those that it started from."""
    own = ("generator", "ngf", "epochs")
    kept = [word for word in TINY if not any(name in word for name in own)]
    return run(*kept, *words, "--n_epochs=0", "--n_epochs_decay=0")


def same_weights(run_dir, name, expected):
    weights = load_network(run_dir / f"{name}.keras").get_weights()
    pairs = zip(weights, expected.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_starting_from_a_checkpoint_of_the_reference(tmp_path, capsys):
    run_dir = tmp_path / "run"
    assert starting(f"--init_from={RECORDED}", f"--run_dir={run_dir}", "--ema_decay=0.9") == 0
    out = capsys.readouterr().out
    assert "Starting generator_g from ResNetGenerator" in out
    assert "New: discriminator_x, discriminator_y, generator_f." in out
    options = json.loads((run_dir / "options.json").read_text())
    assert (options["generator"], options["ngf"]) == ("resnet_6blocks", 4)
    assert options["init_from"] == str(RECORDED)
    network = load_network(RECORDED)
    assert same_weights(run_dir, "generator_g", network)
    assert not same_weights(run_dir, "generator_f", network)


def test_starting_from_an_earlier_run(tmp_path, capsys):
    networks = {
        "generator_g": ResNetGenerator(ngf=2, n_blocks=4),
        "generator_f": ResNetGenerator(ngf=2, n_blocks=4),
        "discriminator_x": PixelDiscriminator(ndf=2),
        "discriminator_y": PixelDiscriminator(ndf=2),
    }
    earlier = make_run(
        tmp_path / "earlier",
        networks,
        generator="resnet_4blocks",
        discriminator="pixel",
        ndf=2,
    )
    run_dir = tmp_path / "run"
    assert starting(f"--init_from={earlier}", f"--run_dir={run_dir}") == 0
    assert "New:" not in capsys.readouterr().out
    for name in ("generator_g", "generator_f"):
        assert same_weights(run_dir, name, networks[name])


def test_a_run_continues_without_the_weights_it_started_from(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    options = json.loads((run_dir / "options.json").read_text())
    gone = str(tmp_path / "gone.pth")
    (run_dir / "options.json").write_text(json.dumps({**options, "init_from": gone}))
    words = [word for word in TINY if "generator" not in word and "ngf" not in word]
    assert run(*words, "--seed=3", f"--init_from={gone}", f"--run_dir={run_dir}") == 0
    assert "after step 8" in capsys.readouterr().out


@pytest.mark.parametrize("dataset", ["good", "good/", "./good"])
def test_one_folder_has_one_run(dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(f"--dataset={dataset}", "--dry_run") == 0
    options = json.loads(capsys.readouterr().out)
    assert (options["dataset"], options["run_dir"]) == ("good", "runs/good-cyclegan")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A set of seven pictures of A and five of B, and one that cannot be read."""
    root = tmp_path_factory.mktemp("photos")
    values = np.random.default_rng(0).integers(0, 256, (7, 20, 20, 3)).astype("uint8")
    for name, count in (("trainA", 7), ("trainB", 5)):
        (root / name).mkdir()
        for index in range(count):
            Image.fromarray(values[index]).save(root / name / f"{index}.png")
    (root / "trainA" / "bad.png").write_bytes(b"\x89PNG")
    return root


SMALL_NETWORKS = [
    word for word in TINY if not any(name in word for name in ("dataset", "steps", "epochs"))
]
EVENTFUL = (
    *SMALL_NETWORKS,
    "--n_epochs_decay=0",
    "--lambda_identity=0",
    "--steps_per_epoch=12",
    "--sample_every=5",
    "--snapshot_every=12",
    "--dropout",
    "--pool_size=3",
    "--deterministic",
    "--checkpoint_minutes=0.0005",
)


def wait_for_checkpoint(process, run_dir, after=0):
    """Waits until a checkpoint of more than `after` steps is there."""
    deadline = time.monotonic() + 900  # only so that a fault does not hang
    while Run(run_dir).last_step() <= after:
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < deadline, "no checkpoint in a quarter of an hour"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.process
def test_a_run_stopped_and_killed_ends_like_one_never_interrupted(photos, tmp_path):
    """How far the run gets does not matter: the uninterrupted run is given as many steps."""
    run_dir = tmp_path / "run"
    command = (*EVENTFUL, f"--dataset={photos}", f"--run_dir={run_dir}")
    seed = int.from_bytes(os.urandom(4), "big")

    # Stopped by a signal, and continued in the same process until that is killed.
    endless = (*command, "--n_epochs=100000", "--then")
    process = start(*endless, *endless, code=RUN_TRAIN_IN_TURN)
    wait_for_checkpoint(process, run_dir)
    process.send_signal(signal.SIGTERM)
    lines = iter(process.stdout.readline, "exit code 143\n")
    stopped = re.search(r"Stopped by SIGTERM after step (\d+) of 1200000; saved in", "".join(lines))
    step = int(stopped.group(1))
    wait_for_checkpoint(process, run_dir, after=step)
    time.sleep(np.random.default_rng(seed).uniform(0, 0.5))
    process.kill()
    out, err = process.communicate()
    assert out.startswith(f"Continuing {run_dir} after step {step}.")
    assert "Traceback" not in err
    assert "bad.png" in err
    assert "x = A with 7, y = B with 5 training pictures" in err

    # Continued to its end; and another run of as many steps in one go.
    killed_at = Run(run_dir).last_step()
    n_epochs = killed_at // 12 + 1
    ending = (f"--n_epochs={n_epochs}", "--n_epochs_decay=1", "--then")
    uninterrupted = (*command[:-1], f"--run_dir={tmp_path / 'other'}")
    out, _ = finish(start(*command, *ending, *uninterrupted, *ending, code=RUN_TRAIN_IN_TURN))
    assert out.count("exit code 0") == 2
    assert f"after step {killed_at}." in out, f"seed {seed}"

    end = 12 * (n_epochs + 1)
    assert out.count(f"Finished: step {end} of {end}.") == 2
    assert_same_state(run_dir, tmp_path / "other")
    assert steps_of(run_dir) == list(range(2, end + 1, 2))
    assert [row["step"] for row in Run(run_dir).checks()] == list(range(5, end + 1, 5))
    assert Run(run_dir).snapshot_steps() == list(range(12, end + 1, 12))
    last = load_network(Run(tmp_path / "other").snapshot(end) / "generator_f.keras")
    assert same_weights(Run(run_dir).snapshot(end), "generator_f", last)


def words_of_vanishing(data, run_dir):
    return (
        *SMALL_NETWORKS,
        f"--dataset={data}",
        f"--run_dir={run_dir}",
        "--steps_per_epoch=100000",
        "--cache=none",
        "--checkpoint_minutes=0.0005",
    )


@pytest.fixture
def vanishing(eager, tmp_path, monkeypatch):
    """Pictures that vanish with every checkpoint, and come back in the first pause only."""
    data = folder(tmp_path / "photos", trainA=GOOD, trainB=GOOD)
    away = tmp_path / "away"
    save = Run.save
    pauses = []

    def save_and_lose_pictures(*arguments):
        path = save(*arguments)
        if data.exists():
            data.rename(away)
        return path

    def pause_and_find_pictures(self, seconds):
        pauses.append(seconds)
        if len(pauses) == 1:
            away.rename(data)
        time.sleep(0.01)

    monkeypatch.setattr(Run, "save", save_and_lose_pictures)
    monkeypatch.setattr(outage.Patience, "_pause", pause_and_find_pictures)
    monkeypatch.setattr(outage, "WAIT_SECONDS", 0.3)
    return data


@pytest.mark.slow
def test_pictures_that_vanish_are_waited_for_and_then_end_the_run_saved(
    vanishing, tmp_path, capsys, caplog
):
    run_dir = tmp_path / "run"
    assert run(*words_of_vanishing(vanishing, run_dir)) == 1
    err = capsys.readouterr().err
    expected = (
        r"photos/train[AB]/\d[.][pngJPG]+ could be read before, but does not exist, also after "
        r"\d s: see to its drive or network. The training ends after step (\d+) of \d+, which is "
        r"saved in .*/checkpoints; the same command continues from there."
    )
    found = re.search(expected, err)
    assert found, err[-1500:]
    assert "Traceback" not in err
    assert "another picture takes its place" not in caplog.text
    assert caplog.text.count("can be read again after") == 1
    assert caplog.text.count("trying again for 0.3 s") == 2
    step = int(found[1])
    assert Run(run_dir).last_step() == step
    assert (run_dir / "samples" / f"step_{step:09d}.png").exists()


@pytest.mark.slow
def test_ctrl_c_ends_the_waiting_for_pictures(vanishing, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(outage, "WAIT_SECONDS", 600)
    words = words_of_vanishing(vanishing, tmp_path / "run")
    begin_to_wait = outage.Patience._begin_to_wait

    def begin_and_interrupt(*arguments):
        begin_to_wait(*arguments)
        os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(outage.Patience, "_begin_to_wait", begin_to_wait)

    def pause(self, seconds):
        time.sleep(0.01)

    monkeypatch.setattr(outage.Patience, "_begin_to_wait", begin_and_interrupt)
    monkeypatch.setattr(outage.Patience, "_pause", pause)
    assert run(*words) == 130
    assert re.search(r"Stopped by SIGINT after step [1-9]\d* of", capsys.readouterr().out)


SEEN = "--sample_every=1", "--sample_count=4"  # every step, in as many pictures as it needs


def test_a_healthy_start_raises_no_alarm(finished):
    rows = Run(finished[0]).checks()
    assert [row["step"] for row in rows] == [3, 6]
    assert [row["findings"] for row in rows] == [[], []]
    assert 0.5 < rows[0]["D_X/loss_to_chance"] < 4


@pytest.mark.slow
def test_the_doctor_saves_and_ends_a_run(eager, tmp_path, monkeypatch, capsys):
    always = dataclasses.replace(findings.AILMENTS[1], limit=99.0, steps=4)
    monkeypatch.setattr(findings, "AILMENTS", (always,))
    words = [*TINY, *SEEN, f"--run_dir={tmp_path}"]
    assert run(*words, "--doctor=stop") == 1
    sentence = "train.py: G copies its input, since step 1: it changes pictures by"
    assert sentence in capsys.readouterr().err
    held = Run(tmp_path)
    assert held.last_step() == 5
    assert not (tmp_path / "generator_g.keras").exists()
    assert [len(row["findings"]) for row in held.checks()] == [0, 0, 0, 0, 2]


@pytest.mark.slow
def test_a_full_disk_ends_with_a_sentence_and_leaves_the_run_usable(
    finished, eager, tmp_path, limited_file_size, capsys, caplog
):
    """The run directory alone continues; there may be more epochs, and another learning rate."""
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    before = sorted((run_dir / "checkpoints").iterdir())
    with limited_file_size(before[0].stat().st_size // 2):
        assert run(f"--run_dir={run_dir}", "--n_epochs_decay=2", "--lr=0.003") == 1
    err = capsys.readouterr().err
    assert "step_000000012.npz: File too large. Allow larger files" in err
    assert before[0].name in err
    assert sorted((run_dir / "checkpoints").iterdir()) == before
    assert steps_of(run_dir) == [2, 4, 6, 8, 10, 12]
    assert "The run has 1 + 2 epochs now, before 1 + 1." in caplog.text
    assert "Learning rate: 0.0002 from epoch 1, 0.003 from epoch 3." in caplog.text
    rates = [row["generator_optimizer/learning_rate"] for row in rows_of(run_dir)]
    np.testing.assert_allclose(rates, [2e-4, 2e-4, 1e-4, 1e-4, 1e-3, 1e-3])  # the last third
    assert Run(run_dir).saved_options()["learning_rate"] == 0.003
    assert Run(run_dir).saved_facts()["learning_rates"] == [
        {"from_epoch": 1, "learning_rate": 0.0002},
        {"from_epoch": 3, "learning_rate": 0.003},
    ]
    assert run(f"--run_dir={run_dir}", "--n_epochs_decay=1") == 0
    assert "Finished: step 8 of 8." in capsys.readouterr().out
    assert steps_of(run_dir) == [2, 4, 6, 8]
    assert run(f"--run_dir={run_dir}", "--n_epochs_decay=0", "--lr=0.004") == 0
    said = capsys.readouterr().out
    assert "has 8 steps already, and the epochs asked for end at step 4: nothing is tr" in said
    assert "Finished" not in said
    assert "The run ends after epoch 1, before the new learning rate applies" in caplog.text


@pytest.mark.release
def test_real_tfds_set_trains(shared_data, eager, tmp_path, capsys):
    archive = shared_data / "data" / "horse2zebra.zip"
    shutil.copy(archive, tmp_path)
    words = [
        w for w in TINY if not w.startswith(("--dataset", "--load", "--crop", "--n_e", "--steps"))
    ]
    code = run(
        *words,
        "--dataset=cycle_gan/horse2zebra",
        f"--data_dir={tmp_path}",
        "--crop_size=64",
        "--n_epochs=1",
        "--n_epochs_decay=0",
        "--steps_per_epoch=2",
        f"--run_dir={tmp_path / 'run'}",
    )
    assert code == 0
    assert "Finished: step 2 of 2." in capsys.readouterr().out
    options = json.loads((tmp_path / "run" / "options.json").read_text())
    assert options["load_size"] == 72  # 286/256 of the crop
    with Image.open(max((tmp_path / "run" / "samples").iterdir())) as picture:
        assert picture.size == (6 * 128, 2 * 128 + 16)


WATCHED = """
import psutil
from cyclegan_keras.training import progress

class Progress(progress.Progress):
    def after_step(self, before, logs):
        super().after_step(before, logs)
        if self.step in (50, 150):
            print(psutil.Process().memory_info().rss)

progress.Progress = Progress
"""


@pytest.mark.release
def test_memory_does_not_grow(photos, tmp_path):
    """In a process of its own: one that ran other tests gave back memory that would hide a leak."""
    words = (
        *SMALL_NETWORKS,
        f"--dataset={photos}",
        f"--run_dir={tmp_path / 'run'}",
        "--n_epochs=1",
        "--n_epochs_decay=0",
        "--steps_per_epoch=150",
        "--log_every=50",
        "--sample_every=1000",
    )
    out, _ = finish(start(*words, code=WATCHED + RUN_TRAIN))
    warm, late = map(int, out.split()[:2])
    assert late - warm < 100 * 2**15  # 32 KiB a step; it is about one
