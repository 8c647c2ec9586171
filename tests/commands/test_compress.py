"""The compression command: what a user types, reads and finds afterwards."""

import contextlib
import dataclasses
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from PIL import Image
from tiny_compressions import STEPS, TINY, keep_small, run, same_weights, untrained_ponies

from cyclegan_keras.commands import (
    compress,
    compress_learning,
    compress_results,
    evaluate,
    export,
    train,
    translate,
)
from cyclegan_keras.commands.compress_setup import Setup, resolve_options
from cyclegan_keras.compression.options import CompressionOptions
from cyclegan_keras.compression.receipt_files import read_receipt
from cyclegan_keras.evaluation import features
from cyclegan_keras.files.errors import LostPicturesError, OptionError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training.callbacks import Metrics
from cyclegan_keras.weights.networks import load_network

pytestmark = pytest.mark.slow  # whole commands


@pytest.fixture(scope="module", autouse=True)
def small(small_and_without_graphs):
    """Few pictures, nothing exported, no features computed."""
    with pytest.MonkeyPatch.context() as patch:
        keep_small(patch)
        yield


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The run of a training that nobody has trained."""
    return untrained_ponies(tmp_path_factory.mktemp("teacher") / "ponies")


@pytest.fixture(scope="module")
def finished(teacher, tmp_path_factory):
    """A whole compression of the way back: its directory, and what it printed."""
    run_dir = tmp_path_factory.mktemp("finished") / "small"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(f"--model={teacher}", f"--run_dir={run_dir}", "--direction=BtoA", *TINY) == 0
    return run_dir, out.getvalue()


def fail(*arguments):
    """In place of what a killed process does not come to."""
    raise RuntimeError


def final_state(run_dir):
    return Run(run_dir).newest_state().state


def rows_of(run_dir):
    return list(map(json.loads, (run_dir / "metrics.jsonl").read_text().splitlines()))


def test_a_compression_leaves_a_run_with_smaller_generators(finished, teacher):
    run_dir, out = finished
    assert f"Finished: step {STEPS} of {STEPS}." in out
    assert f"Receipt: {run_dir / 'receipt.md'}" in out
    assert "striped ponies to brown ponies: " in out
    for name in ("samples/step_000000004.png", "before_after.png", "tensorboard", "answers"):
        assert (run_dir / name).exists()
    assert [row["step"] for row in rows_of(run_dir)] == [2, 4]
    assert Image.open(run_dir / "samples" / "step_000000004.png").width == 3 * 128

    student = load_network(run_dir / "generator_g.keras")  # x is B
    assert (student.ngf, student.n_blocks) == (4, 1)
    description = student.description
    assert (description.direction, description.step) == ("BtoA", STEPS)
    assert (description.source, description.target) == ("striped ponies", "brown ponies")
    assert description.training["options"]["dataset"] == "demo/ponies"
    known = description.training["compressed_from"]
    assert (known["model"], known["step"], known["shape"]) == (str(teacher), 5, "4x1")
    receipt = read_receipt(run_dir)
    assert receipt.shape == "4x1"
    assert receipt.steps == STEPS
    (direction,) = receipt.directions
    assert direction.signature == "b_to_a"
    assert direction.quality.count == 4
    assert len(direction.inherited.blocks) == 1


def test_the_networks_of_the_run_are_those_of_its_files(finished):
    networks = networks_of_run(finished[0]).networks
    assert list(networks) == ["generator_g"]
    assert same_weights(networks["generator_g"], load_network(finished[0] / "generator_g.keras"))


def test_a_stopped_compression_ends_as_one_that_was_not(
    finished, teacher, tmp_path, monkeypatch, caplog
):
    words = (f"--model={teacher}", f"--run_dir={tmp_path / 'small'}", "--direction=BtoA", *TINY)
    monkeypatch.setattr(compress, "write_results", lambda *arguments: None)
    real = Metrics.after_step

    def stop_after_three(self, before, logs):
        real(self, before, logs)
        if self.step == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Metrics, "after_step", stop_after_three)
        assert run(*words) == 128 + signal.SIGINT
    assert Run(tmp_path / "small").last_step() == 3
    assert not (tmp_path / "small" / "generator_g.keras").exists()
    facts = Run(tmp_path / "small").saved_facts()
    facts["data"]["trainA"]["count"] = 9
    Run(tmp_path / "small").save_facts(facts)
    # The place of the teacher and all options are known to the run.
    assert run(f"--run_dir={tmp_path / 'small'}") == 0
    assert "The pictures have changed since the run began (trainA had 9 and now" in caplog.text
    state, expected = final_state(tmp_path / "small"), final_state(finished[0])
    assert state.keys() == expected.keys()
    assert all(np.array_equal(state[name], expected[name]) for name in expected)
    assert [row["step"] for row in rows_of(tmp_path / "small")] == [2, 4]


def test_an_evaluation_says_that_a_folder_has_no_counterparts():
    options = types.SimpleNamespace(model="runs/small", dataset=None, data_dir=None)
    with pytest.raises(OptionError, match=r"runs/small learned on --pictures=photos, .* --input"):
        evaluate.data_options(options, {"pictures": "photos"}, None)


@pytest.mark.parametrize(
    ("chosen", "repeats"), [({}, 1), ({"repeats": 4}, 4), ({"cache_gb": 1.0}, 4)]
)
def test_crops_repeat_where_answers_are_kept_or_where_one_asks_for_it(chosen, repeats):
    options = CompressionOptions(cache_gb=0.0, lambda_perceptual=0.0)
    options = dataclasses.replace(options, **chosen)
    setup = Setup(
        options={"compression": options},
        data_options=None,
        teachers=None,
        run_dir="",
        saved={},
        moved=(),
        chosen=chosen,
    )
    assert compress_learning.with_definite_options(setup).options["compression"].repeats == repeats


def test_pictures_that_are_lost_before_the_first_step_are_a_sentence():
    def read(number):
        raise OSError

    numbers = tf.data.Dataset.range(1)
    lost = numbers.map(lambda number: {"picture": tf.numpy_function(read, [number], tf.float32)})
    patches = types.SimpleNamespace(
        crops=lambda side, numbers: lost,
        patience=types.SimpleNamespace(failure=LostPicturesError("The drive is gone.")),
    )
    with pytest.raises(LostPicturesError, match="is gone"):
        compress_learning.crops_of(types.SimpleNamespace(patches=patches), "x", 1)


def test_less_memory_is_taken_by_smaller_patches_where_they_fit(teacher):
    setup = resolve_options({"model": str(teacher), "shape": "4x1", "batch_size": 1})
    for side, words in ((16, "takes less with --patch_size=8"), (8, "take no smaller ones")):
        patches = types.SimpleNamespace(options=types.SimpleNamespace(crop_size=side))
        sentence = compress.what_takes_less(setup, types.SimpleNamespace(patches=patches))
        assert words in sentence


@pytest.mark.release
def test_the_same_command_again_writes_what_is_missing(finished, tmp_path, capsys):
    run_dir = shutil.copytree(finished[0], tmp_path / "small")
    (run_dir / "generator_g.keras").unlink()
    shutil.rmtree(run_dir / "answers")
    assert run(f"--run_dir={run_dir}", "--max_pictures=3") == 0
    out = capsys.readouterr().out
    assert f"Continuing {run_dir} after step {STEPS}." in out
    assert f"Finished: step {STEPS} of {STEPS}." in out
    assert not (run_dir / "answers").exists()
    assert read_receipt(run_dir).directions[0].quality.count == 3
    expected = load_network(finished[0] / "generator_g.keras")
    assert same_weights(load_network(run_dir / "generator_g.keras"), expected)


def test_other_commands_take_a_compression(finished, tmp_path, capsys):
    run_dir = finished[0]
    picture = tmp_path / "a.png"
    Image.new("RGB", (20, 16), "brown").save(picture)
    words = [f"--model={run_dir}", f"--input={picture}", f"--output={tmp_path / 'b.png'}"]
    assert translate.main(["translate.py", *words]) == 0
    assert Image.open(tmp_path / "b.png").size == (20, 16)
    capsys.readouterr()
    assert evaluate.main(["evaluate.py", f"--model={run_dir}", "--dry_run"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluated on"] == "demo/ponies"
    assert export.main(["export.py", f"--run_dir={run_dir}", "--dry_run"]) == 0
    assert "n_blocks=1" in json.loads(capsys.readouterr().out)["networks"]["b_to_a"]


def test_a_training_begins_with_a_compression_and_does_not_continue_one(finished, tmp_path, capsys):
    words = ["--dataset=demo/ponies", "--dry_run"]
    fresh = [f"--init_from={finished[0]}", f"--run_dir={tmp_path / 'fine'}"]
    assert train.main(["train.py", *words, *fresh]) == 0
    options = json.loads(capsys.readouterr().out)
    assert (options["generator"], options["ngf"]) == ("resnet_1blocks", 4)
    assert train.main(["train.py", *words, f"--run_dir={finished[0]}"]) == 2
    assert "holds a compression" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--steps=9",), "holds a run with other options: --steps=9 (the run has 4)"),
        (("--shape=4x2",), "holds a run with other options: --shape=4x2 (the run has 4x1)"),
        (("--target_kb=9",), "--target_kb=9"),
        (("--direction=AtoB",), "compresses BtoA, and not --direction=AtoB"),
    ],
)
def test_a_compression_keeps_its_options(finished, words, sentence, capsys):
    assert run(f"--run_dir={finished[0]}", *words) == 2
    assert sentence in capsys.readouterr().err


def test_a_compression_keeps_its_teacher(finished, tmp_path, capsys):
    other = tmp_path / "other.keras"
    ResNetGenerator(ngf=8, n_blocks=2).save(other)
    assert run(f"--run_dir={finished[0]}", f"--model={finished[0]}") == 2
    assert "was begun with the weights of" in capsys.readouterr().err
    assert run(f"--run_dir={finished[0]}", f"--model={other}") == 2
    assert "translates AtoB only, and not BtoA" in capsys.readouterr().err


def test_dry_run_writes_nothing(teacher, tmp_path, capsys):
    words = (f"--model={teacher}", f"--run_dir={tmp_path / 'small'}")
    assert run(*words, "--target_macs=3e5", "--dry_run") == 0
    options = json.loads(capsys.readouterr().out)
    assert options["size"] == "16"
    assert options["crop_size"] == 16
    assert options["shape"] == "2x2"
    assert options["direction"] == "AtoB,BtoA"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.release
def test_plan_measures_and_writes_nothing(finished, teacher, tmp_path, capsys):
    words = (f"--model={teacher}", f"--run_dir={tmp_path / 'small'}", "--lambda_perceptual=0")
    assert run(*words, "--shape=4x1", "--minutes=1", "--plan") == 0
    out = capsys.readouterr().out
    assert "AtoB: 8x2 becomes 4x1" in out
    assert " steps take " in out
    assert list(tmp_path.iterdir()) == []
    assert run(f"--run_dir={finished[0]}", "--plan", "--cache_gb=0.000001") == 0
    out = capsys.readouterr().out
    assert f" {STEPS} steps take " in out
    assert "The answers to 4 crops take 0 GB" in out
    assert "the rest is asked for anew each time" in out


@pytest.mark.release
def test_discriminators_take_part_last_and_without_kid_change_nothing(
    teacher, tmp_path, monkeypatch, capsys
):
    run_dir = tmp_path / "small"
    with monkeypatch.context() as patch:
        patch.setattr(compress_results, "give_weights_back", fail)  # killed once it is decided
        with pytest.raises(RuntimeError):
            run(f"--model={teacher}", f"--run_dir={run_dir}", "--gan", *TINY, "--steps=3")
    assert "are kept, since there is no KID" in capsys.readouterr().out
    assert run(f"--run_dir={run_dir}") == 0
    kept = networks_of_run(run_dir)
    before = networks_of_run(f"{run_dir}@2")
    assert (kept.step, before.step) == (3, 2)
    for role, direction in (("generator_g", "AtoB"), ("generator_f", "BtoA")):
        assert same_weights(kept.networks[role], before.networks[role])
        assert same_weights(kept.networks[role], load_network(run_dir / f"{role}.keras"))
        assert kept.networks[role].description.direction == direction
    assert {"g_adversarial", "f_adversarial", "d_x", "d_y"} <= rows_of(run_dir)[-1].keys()
    assert len(list((run_dir / "tensorboard").iterdir())) == 1  # of both parts
    assert len(read_receipt(run_dir).directions) == 2
    assert Image.open(run_dir / "samples" / "step_000000003.png").width == 6 * 128


@pytest.mark.release
def test_a_folder_of_few_pictures_will_do_without_features(
    teacher, tmp_path, monkeypatch, caplog, capsys
):
    monkeypatch.setattr(features, "open_perceptual_loss", lambda channels: None)
    random = np.random.default_rng(0)
    for index in range(11):
        pixels = random.integers(0, 256, (20, 24, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{index:02d}.png")
    words = (f"--model={teacher}", f"--pictures={tmp_path}", f"--run_dir={tmp_path}/small")
    tiny = [word for word in TINY if "perceptual" not in word]
    assert run(*words, *tiny, "--steps=1", "--batch_size=12") == 0
    assert Run(tmp_path / "small").saved_options()["lambda_perceptual"] == 0
    assert ": 10 training pictures, 1 held out; crop, crop 16 px" in caplog.text
    assert "has 10 training pictures" in caplog.text
    receipt = read_receipt(tmp_path / "small")
    assert [each.signature for each in receipt.directions] == ["a_to_b"]
    assert receipt.directions[0].quality.count == 1
    capsys.readouterr()
    assert run(*words[:2], f"--run_dir={tmp_path}/2", *tiny, "--lambda_perceptual=1") == 2
    assert "see to it, or use --lambda_perceptual=0." in capsys.readouterr().err
    assert not (tmp_path / "2").exists()


@pytest.mark.release
def test_a_compression_that_another_process_makes_is_left_alone(finished, capsys):
    with Run(finished[0]).locked():
        assert run(f"--run_dir={finished[0]}") == 2
    assert "Another process is" in capsys.readouterr().err


# The command without its receipt, which takes longer than all the rest.
LEARN_ALONE = """
import sys
from cyclegan_keras.commands import compress

compress.write_results = lambda *arguments: None
sys.exit(compress.main(sys.argv))
"""


def start(*words):
    """Starts the command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", LEARN_ALONE, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


@pytest.mark.release
def test_a_killed_compression_ends_as_one_that_was_not(teacher, tmp_path):
    words = (f"--model={teacher}", *TINY, "--steps=60", "--checkpoint_minutes=0")
    whole = start(*words, f"--run_dir={tmp_path / 'whole'}")
    assert whole.wait(timeout=900) == 0
    killed = Run(tmp_path / "killed")
    process = start(*words, f"--run_dir={killed.directory}")
    while killed.last_step() < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 3 <= killed.last_step() < 60
    assert start(f"--run_dir={killed.directory}").wait(timeout=900) == 0
    state, expected = final_state(killed.directory), final_state(tmp_path / "whole")
    assert all(np.array_equal(state[name], expected[name]) for name in expected)
    assert [row["step"] for row in rows_of(killed.directory)] == list(range(2, 61, 2))
