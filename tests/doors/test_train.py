"""The training door: what a user types, sees and is left with."""

import dataclasses
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT
from golden_files import FOLDER
from PIL import Image

import train
from cyclegan_keras import checkpoints, flags, runs, trainers
from cyclegan_keras.models import ResNetGenerator
from cyclegan_keras.trainers import doctor

TINY = (
    "--dataset=demo/ponies",
    "--load_size=18",
    "--crop_size=16",
    "--generator=resnet_3blocks",
    "--discriminator=pixel",
    "--ngf=2",
    "--ndf=2",
    "--n_epochs=1",
    "--n_epochs_decay=1",
    "--steps_per_epoch=4",
    "--log_every=2",
    "--sample_every=3",
    "--sample_count=2",
)
RECORDED = FOLDER / "checkpoints" / "resnet6_ngf4_zip.pth"
TERMS = {
    *("g_adversarial", "f_adversarial", "cycle_x", "cycle_y", "identity_x", "identity_y"),
    *("d_x", "d_y", "generator_loss"),
}


def run(*words):
    """Runs the door in this process."""
    return train.main(["train.py", *map(str, words)])


def start(*words, **kwargs):
    """Starts the door as a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        **kwargs,
    )


def finish(process, code=0):
    """Waits for `process`; returns what it wrote."""
    out, err = process.communicate(timeout=200)
    assert process.returncode == code, err[-3000:]
    return out, err


def steps_of(run_dir):
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


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
    out, err = finish(start(*TINY, "--seed=3", f"--run_dir={run_dir}"))
    return run_dir, out, err


def test_a_run_leaves_everything_behind(finished):
    run_dir, out, err = finished
    assert {path.name for path in run_dir.iterdir()} == {
        ".lock",
        "checkpoints",
        "doctor.jsonl",
        "facts.json",
        "generator_f.keras",
        "generator_g.keras",
        "metrics.jsonl",
        "options.json",
        "samples",
        "tensorboard",
    }
    assert "Finished: step 8 of 8." in out
    for line in ("G on x:", "F on y:", "generator_g.keras", "generator_f.keras"):
        assert line in out
    assert re.search(r"mean error .* of 255, copying the input .*: cut by -?\d+%", out)
    assert "img/s" in err
    assert "400 training pictures" in err
    assert list((run_dir / "tensorboard").iterdir())


def test_options_are_saved_with_automatic_ones_made_definite(finished):
    options = json.loads((finished[0] / "options.json").read_text())
    assert options["steps_per_epoch"] == 4
    assert options["seed"] == 3
    assert options["pool_size"] == 50
    assert set(options) == {
        name
        for name, field in flags.fields(train.GROUPS).items()
        if field.metadata.get("saved", True)
    }


def test_metrics_hold_every_term_and_the_learning_rates(finished):
    rows = [json.loads(line) for line in (finished[0] / "metrics.jsonl").read_text().splitlines()]
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


@pytest.mark.slow
def test_generators_load_in_another_process(finished):
    code = (
        "import keras, numpy as np, cyclegan_keras\n"
        "for name in 'gf':\n"
        f"    net = keras.saving.load_model(r'{finished[0]}/generator_' + name + '.keras')\n"
        "    print(net(np.zeros((1, 24, 40, 3))).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split("\n")[:2] == ["(1, 24, 40, 3)"] * 2


def test_generators_tell_what_they_are(finished):
    run_dir, _, _ = finished
    there, back = (
        checkpoints.load_network(run_dir / f"generator_{name}.keras").description for name in "gf"
    )
    assert (there.words, back.words) == (
        "brown ponies to striped ponies",
        "striped ponies to brown ponies",
    )
    assert (there.direction, back.direction, there.step) == ("AtoB", "BtoA", 8)
    assert there.training["options"]["ngf"] == 2
    assert there.training["data"]["trainA"]["count"] == 400
    assert "keras" in there.training["versions"]


def test_the_best_generators_are_kept_beside_the_last(tmp_path, capsys):
    run_dir = tmp_path / "run"
    assert run(*TINY, f"--run_dir={run_dir}", "--eval_every=4", "--eval_pictures=3") == 0
    assert f"by which rule: {run_dir / 'best'}" in capsys.readouterr().out
    best = json.loads((run_dir / "best" / "best.json").read_text())
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    scores = {row["step"]: row["eval/score"] for row in map(json.loads, lines) if len(row) < 12}
    assert list(scores) == [4, 8]
    assert best["score"] == min(scores.values()) == scores[best["step"]]
    network = checkpoints.load_network(run_dir / "best" / "generator_f.keras")
    assert network.description.step == best["step"]


def test_the_same_command_again_says_finished(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    before = final_state(run_dir)
    assert run(*TINY, "--seed=3", f"--run_dir={run_dir}") == 0
    out = capsys.readouterr().out
    assert "after step 8" in out
    assert "Finished: step 8 of 8." in out
    assert before.keys() == final_state(run_dir).keys()
    assert steps_of(run_dir) == [2, 4, 6, 8]


@pytest.mark.slow
def test_the_run_directory_alone_continues_and_more_epochs_may_be_added(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    assert run(f"--run_dir={run_dir}", "--n_epochs_decay=2") == 0
    assert "Finished: step 12 of 12." in capsys.readouterr().out
    assert steps_of(run_dir) == [2, 4, 6, 8, 10, 12]


@pytest.mark.slow
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
    for title in train.GROUPS:
        assert f"\n{title}:\n" in out
    for name in flags.fields(train.GROUPS):
        assert name in out


def test_dry_run_shows_the_options_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("--preset=demo", "--ngf=5", "--dry_run") == 0
    options = json.loads(capsys.readouterr().out)
    assert options["ngf"] == 5  # typed
    assert options["ndf"] == 32  # preset
    assert options["lambda_cycle"] == 10.0  # default
    assert options["run_dir"] == "runs/demo-ponies-cyclegan"
    assert list(tmp_path.iterdir()) == []


def test_options_page_is_current():
    page = (ROOT / "docs" / "options.md").read_text()
    assert page.endswith(flags.option_table(train.GROUPS))


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
        "wgangp",
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
    "unreachable": (["--dataset=cycle_gan/maps", "--data_dir=tfds"], "--dataset=<that folder>"),
}


@pytest.mark.parametrize(("words", "expected"), BAD_INPUT.values(), ids=list(BAD_INPUT))
def test_bad_input_is_a_sentence_and_exit_code_2(words, expected, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    if "--dataset=cycle_gan/maps" in words:  # a closed port instead of the internet
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
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
    with runs.Run(run_dir).locked():
        assert run(f"--run_dir={run_dir}", "--n_epochs=7") == 2
    assert "Another process is training" in capsys.readouterr().err
    assert (run_dir / "options.json").read_text() == before


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_starts_its_metrics_over(finished, tmp_path):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    shutil.rmtree(run_dir / "checkpoints")
    with open(run_dir / "metrics.jsonl", "a") as file:
        file.write('{"step": 10, "tor')
    assert run(f"--run_dir={run_dir}") == 0
    assert steps_of(run_dir) == [2, 4, 6, 8]


@pytest.mark.slow
@pytest.mark.parametrize(("side", "blocks"), [(128, 6), (132, 9)])
def test_six_blocks_up_to_128_pixels(side, blocks, tmp_path):
    words = [w for w in TINY if not any(name in w for name in ("generator", "size", "epochs"))]
    words += [f"--crop_size={side}", f"--load_size={side}", "--n_epochs=0", "--n_epochs_decay=0"]
    assert run(*words, f"--run_dir={tmp_path}") == 0
    options = json.loads((tmp_path / "options.json").read_text())
    assert options["generator"] == f"resnet_{blocks}blocks"


def starting(*words):
    """Ends before the first step, so that a run's generators are those that it started from."""
    own = ("generator", "ngf", "epochs")
    words = [*(w for w in TINY if not any(name in w for name in own)), *words]
    return run(*words, "--n_epochs=0", "--n_epochs_decay=0")


def same_weights(run_dir, name, expected):
    weights = checkpoints.load_network(run_dir / f"{name}.keras").get_weights()
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
    network = checkpoints.load_network(RECORDED)
    assert same_weights(run_dir, "generator_g", network)
    assert not same_weights(run_dir, "generator_f", network)


def test_starting_from_an_earlier_run(finished, tmp_path, capsys):
    run_dir = tmp_path / "run"
    assert starting(f"--init_from={finished[0]}", f"--run_dir={run_dir}") == 0
    assert "New:" not in capsys.readouterr().out
    for name in ("generator_g", "generator_f"):
        network = checkpoints.load_network(finished[0] / f"{name}.keras")
        assert same_weights(run_dir, name, network)


@pytest.mark.slow
def test_a_run_continues_without_the_weights_it_started_from(tmp_path):
    weights = tmp_path / "net.pth"
    checkpoints.save_pth(ResNetGenerator(ngf=2, n_blocks=3), weights)
    words = [word for word in TINY if "generator" not in word and "ngf" not in word]
    words += [f"--init_from={weights}", f"--run_dir={tmp_path / 'run'}"]
    assert run(*words, "--n_epochs_decay=0") == 0
    (tmp_path / "net.pth").unlink()
    assert run(*words) == 0
    assert steps_of(tmp_path / "run") == [2, 4, 6, 8]


@pytest.mark.parametrize("dataset", ["good", "good/", "./good"])
def test_one_folder_has_one_run(dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(f"--dataset={dataset}", "--dry_run") == 0
    options = json.loads(capsys.readouterr().out)
    assert (options["dataset"], options["run_dir"]) == ("good", "runs/good-cyclegan")


@pytest.mark.slow
def test_unreadable_pictures_are_left_out_and_named(tmp_path, caplog):
    data = folder(tmp_path / "torn", trainA=[*GOOD, ("bad.png", b"\x89PNG")], trainB=GOOD)
    words = [word for word in TINY if "dataset" not in word and "steps" not in word]
    with caplog.at_level(logging.WARNING):
        code = run(*words, f"--dataset={data}", f"--run_dir={tmp_path / 'run'}", "--sample_count=1")
    assert code == 0
    assert "bad.png" in caplog.text


EVENTFUL = (
    *TINY,
    "--steps_per_epoch=20",
    "--dropout",
    "--ema_decay=0.9",
    "--pool_size=3",
    "--deterministic",
    "--checkpoint_minutes=0.0005",
)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("uninterrupted") / "run"
    finish(start(*EVENTFUL, f"--run_dir={run_dir}"))
    return run_dir


def wait_for_checkpoint(process, run_dir):
    deadline = time.monotonic() + 120
    while not list(run_dir.glob("checkpoints/step_*.npz")):
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < deadline, "no checkpoint in two minutes"
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_run_ends_like_one_never_interrupted(uninterrupted, tmp_path):
    run_dir = tmp_path / "run"
    seed = int.from_bytes(os.urandom(4), "big")
    random = np.random.default_rng(seed)
    process = start(*EVENTFUL, f"--run_dir={run_dir}")
    wait_for_checkpoint(process, run_dir)
    time.sleep(random.uniform(0, 1))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed_at = runs.Run(run_dir).last_step()
    out, _ = finish(start(*EVENTFUL, f"--run_dir={run_dir}"))
    assert "Continuing" in out, f"killed at {killed_at}, seed {seed}"
    assert "Finished: step 40 of 40." in out
    assert_same_state(run_dir, uninterrupted)
    assert steps_of(run_dir) == list(range(2, 41, 2))
    assert [row["step"] for row in runs.Run(run_dir).checks()] == list(range(3, 41, 3))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_same_command_continues(uninterrupted, tmp_path, number):
    run_dir = tmp_path / "run"
    process = start(*EVENTFUL, f"--run_dir={run_dir}")
    wait_for_checkpoint(process, run_dir)
    process.send_signal(number)
    out, err = finish(process, 128 + number)
    assert "Traceback" not in err
    step = int(
        re.search(rf"Stopped by {number.name} after step (\d+) of 40; saved in", out).group(1)
    )
    assert runs.Run(run_dir).last_step() == step
    if number == signal.SIGTERM:
        finish(start(*EVENTFUL, f"--run_dir={run_dir}"))
        assert_same_state(run_dir, uninterrupted)


@pytest.mark.slow
def test_pictures_that_vanish_during_a_run_end_it_with_a_sentence(tmp_path):
    data = folder(tmp_path / "photos", trainA=GOOD, trainB=GOOD)
    words = [w for w in TINY if not w.startswith(("--dataset", "--steps"))]
    process = start(
        *words,
        f"--dataset={data}",
        "--cache=none",
        "--steps_per_epoch=100000",
        "--checkpoint_minutes=0.0005",
        f"--run_dir={tmp_path / 'run'}",
    )
    wait_for_checkpoint(process, tmp_path / "run")
    shutil.rmtree(data)
    _, err = finish(process, 1)
    expected = (
        r"None of the 2 pictures such as train[AB]/1.png can be read. What was saved is intact."
    )
    assert re.search(expected, err), err[-1500:]
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_the_run(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    state = final_state(run_dir)
    state.pop(runs.META)
    for name in state:  # weights that have grown without bound, but are finite still
        if name.startswith("discriminator") and name.endswith("kernel"):
            state[name] = state[name] * np.float32(1e30)
    runs.Run(run_dir).save(8, state)
    assert run(f"--run_dir={run_dir}", "--n_epochs_decay=2") == 1
    message = capsys.readouterr().err
    assert (
        "became NaN or infinite at step 9. The last good checkpoint is that of step 8." in message
    )
    assert [path.name for path in (run_dir / "checkpoints").iterdir()] == ["step_000000008.npz"]


SEEN = "--sample_every=1", "--sample_count=4"  # every step, in as many pictures as it needs


def test_a_healthy_start_raises_no_alarm(finished):
    rows = runs.Run(finished[0]).checks()
    assert [row["step"] for row in rows] == [3, 6]
    assert [row["findings"] for row in rows] == [[], []]
    assert 0.5 < rows[0]["D_X/loss_to_chance"] < 4


@pytest.mark.slow
def test_the_doctor_saves_and_ends_a_run(tmp_path, monkeypatch, capsys):
    always = dataclasses.replace(doctor.AILMENTS[1], limit=99.0, steps=4)
    monkeypatch.setattr(doctor, "AILMENTS", (always,))
    words = [*TINY, *SEEN, f"--run_dir={tmp_path}"]
    assert run(*words, "--doctor=stop") == 1
    sentence = "train.py: G copies its input, since step 1: it changes pictures by"
    assert sentence in capsys.readouterr().err
    held = runs.Run(tmp_path)
    assert held.last_step() == 5
    assert not (tmp_path / "generator_g.keras").exists()
    assert [len(row["findings"]) for row in held.checks()] == [0, 0, 0, 0, 2]


@pytest.mark.parametrize(("asked", "stops"), [("off", []), ("warn", [False]), ("stop", [True])])
def test_a_doctor_comes_when_asked_for(asked, stops, tmp_path):
    options = {
        "run": runs.RunOptions(doctor=asked, sample_every=7),
        "cyclegan": trainers.CycleGANOptions(gan_mode="hinge"),
    }
    callbacks = train.doctors(runs.Run(tmp_path), options, {})
    assert [callback.stop for callback in callbacks] == stops
    assert {(c.every, c.gan_mode) for c in callbacks} <= {(7, "hinge")}


@pytest.mark.slow
def test_a_full_disk_ends_with_a_sentence_and_leaves_the_run_usable(finished, tmp_path):
    run_dir = shutil.copytree(finished[0], tmp_path / "run")
    before = sorted((run_dir / "checkpoints").iterdir())
    limit = before[0].stat().st_size // 2

    def limit_file_size():  # writing more fails, as on a full disk
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(f"--run_dir={run_dir}", "--n_epochs_decay=2", preexec_fn=limit_file_size)
    _, err = finish(process, 1)
    assert "Cannot write the checkpoint of step 12" in err
    assert before[0].name in err
    assert sorted((run_dir / "checkpoints").iterdir()) == before
    assert "Finished: step 12" in finish(start(f"--run_dir={run_dir}"))[0]


@pytest.mark.slow
def test_real_tfds_set_trains(shared_data, tmp_path, capsys):
    archive = shared_data / "data" / "horse2zebra.zip"
    shutil.copy(archive, tmp_path)
    words = [w for w in TINY if not w.startswith(("--dataset", "--load", "--crop", "--steps"))]
    code = run(
        *words,
        "--dataset=cycle_gan/horse2zebra",
        f"--data_dir={tmp_path}",
        "--crop_size=64",
        "--steps_per_epoch=10",
        f"--run_dir={tmp_path / 'run'}",
    )
    assert code == 0
    assert "Finished: step 20 of 20." in capsys.readouterr().out
    options = json.loads((tmp_path / "run" / "options.json").read_text())
    assert options["load_size"] == 72  # 286/256 of the crop
    with Image.open(max((tmp_path / "run" / "samples").iterdir())) as picture:
        assert picture.size == (6 * 128, 2 * 128 + 16)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")
def test_memory_does_not_grow(tmp_path):
    run_dir = tmp_path / "run"
    words = (*TINY, "--n_epochs_decay=0", "--steps_per_epoch=600", f"--run_dir={run_dir}")
    process = start(*words, "--log_every=50", "--sample_every=1000")
    resident = {}
    while process.poll() is None:
        if (run_dir / "metrics.jsonl").exists() and (steps := steps_of(run_dir)):
            with open(f"/proc/{process.pid}/statm") as file:
                pages = file.read().split()
            if len(pages) > 1:
                resident.setdefault(steps[-1], int(pages[1]) * os.sysconf("SC_PAGE_SIZE"))
        time.sleep(0.02)
    finish(process)
    warm, late = resident[100], resident[600]
    assert late - warm < 2**25, resident  # 32 MiB: 64 KiB a step, less than one picture pool
