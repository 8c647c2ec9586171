"""The command cyclegan-beam: what a user types, sees and is left with."""

import errno
import importlib.util
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from conftest import ROOT
from optional import optional
from PIL import Image

from cyclegan_keras.beam import translate
from cyclegan_keras.commands import translate as translate_command
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation import opening
from cyclegan_keras.translation.translator import Translator

FOLDER = ("--model=g.keras", "--input=in", "--output=out")


def run(*words):
    """Runs the command in this process."""
    return translate.main(["beam_translate.py", *words])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "g.keras"
    ResNetGenerator(ngf=4, n_blocks=0, init_gain=0.2).save(path)
    return path


@pytest.fixture
def here(model, tmp_path, monkeypatch):
    """A working folder with the model and pictures of two sizes."""
    monkeypatch.chdir(tmp_path)
    pathlib.Path("g.keras").symlink_to(model)
    draw(6)
    return tmp_path


def draw(count):
    for seed in range(count):
        path = pathlib.Path("in", "sub" * (seed % 3), f"{seed:03d}.{'jpg' if seed % 2 else 'png'}")
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (32, 32, 3) if seed % 4 else (24, 40, 3)
        values = np.random.default_rng(seed).integers(0, 256, size)
        Image.fromarray(values.astype("uint8")).save(path)


def files(folder):
    """Contents by name, without the hidden files of the program itself."""
    found = (path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in found
        if not any(part.startswith(".") for part in path.parts)
    }


def identities(folder):
    """What changes when a file is written a second time."""
    stats = {name: os.stat(f"{folder}/{name}") for name in files(folder)}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None, reason="Apache Beam is not installed"
)


@pytest.mark.slow
@needs_beam
def test_a_folder_in_int8_is_what_translate_makes_of_it(here, capsys):
    optional("ai_edge_quantizer")
    assert run(*FOLDER, "--precision=int8") == 0
    assert len(list(here.glob(".int8/*.tflite"))) == 1
    words = ("translate.py", *FOLDER[:2], "--output=one", "--precision=int8")
    assert translate_command.main([*words]) == 0
    assert files("out") == files("one") != {}
    assert len(list(here.glob(".int8/*.tflite"))) == 1


@pytest.mark.slow
@needs_beam
def test_a_folder_is_what_translate_makes_of_it_and_either_program_continues_it(here, capsys):
    assert run(*FOLDER) == 0
    out = capsys.readouterr().out
    assert "Translating A to B (AtoB) on DirectRunner." in out
    assert "Wrote 6 pictures to out" in out
    assert translate_command.main(["translate.py", *FOLDER[:2], "--output=one"]) == 0
    assert files("out") == files("one") != {}
    assert not [name for name in os.listdir("out") if "partial" in name or "job" in name]
    # Both programs continue the folder of the other.
    before = identities("out")
    draw(8)
    capsys.readouterr()
    assert run(*FOLDER, "--dry_run") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 to translate."
    assert translate_command.main(["translate.py", *FOLDER]) == 0
    assert "6 of 8 exist already" in capsys.readouterr().out
    assert run(*FOLDER) == 0
    assert "8 of 8 exist already" in capsys.readouterr().out
    assert len(files("out")) == 8
    assert identities("out").items() >= before.items()
    assert run(*FOLDER, "--strength=0.5") == 2
    assert "strength was 1.0, now 0.5" in capsys.readouterr().err


@pytest.mark.slow
@needs_beam
def test_a_signal_ends_it_cleanly(here, capsys, monkeypatch):
    """The model is the real one; it only sends the signal while it works."""
    real = opening.open_translators

    def opened(model, **more):
        def network(images):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.5)  # the main thread looks on five times a second
            return images

        (direction, translator), *_ = real(model, **more).items()
        return {direction: Translator(network, translator.description)}

    monkeypatch.setattr(opening, "open_translators", opened)
    assert run(*FOLDER, "--batch_size=1") == 128 + signal.SIGTERM
    said = capsys.readouterr()
    assert "Stopped by SIGTERM. The same command continues from there." in said.out
    assert 1 <= len(files("out")) < 6
    monkeypatch.undo()
    os.chdir(here)
    assert run(*FOLDER) == 0
    assert len(files("out")) == 6


@needs_beam
def test_a_full_disk_ends_the_job_with_a_sentence(here, capsys, monkeypatch):
    real, written = os.fsync, []

    def fsync(number):
        written.append(number)
        if len(written) > 3:  # one is the folder's record
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    assert run(*FOLDER) == 1
    said = capsys.readouterr().err
    assert "No space left on device. Free some space" in said
    assert "What is written is whole" in said
    assert len(files("out")) == 2


BAD_INPUT = {
    "no model": (FOLDER[1:], "--model is missing"),
    "one file": ((FOLDER[0], "--input=in/000.png", FOLDER[2]), "translate.py translates it"),
    "input gone": ((FOLDER[0], "--input=gone", FOLDER[2]), "--input=gone does not exist"),
    "a bucket": ((*FOLDER[:2], "--output=gs://pictures/out"), "A bucket must be mounted"),
    "relative": ((*FOLDER, "--runner=FlinkRunner"), "workers of FlinkRunner need a path"),
    "unknown": ((*FOLDER, "--outptu=x"), "Unknown flag --outptu"),
    "a stray word": ((*FOLDER, "--direct_num_workers=2", "more"), "Unexpected argument 'more'"),
    "a file instead of a folder": ((*FOLDER[:2], "--output=g.keras"), "must be a folder"),
}


@needs_beam
@pytest.mark.parametrize(("words", "sentence"), BAD_INPUT.values(), ids=list(BAD_INPUT))
def test_bad_input_is_a_sentence(words, sentence, here, capsys):
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert files("out") == {}


def test_without_beam_it_says_what_to_do(here, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("cyclegan_keras.beam.runner")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert run(*FOLDER) == 2
    assert 'pip install "cyclegan-keras[beam]"' in capsys.readouterr().err


def test_help_names_every_option(capsys):
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"--{word}" in shown for word in ("model", "strength", "direct_num_workers"))


def test_flags_are_split():
    words = ["--model=g", "--runner", "FlinkRunner", "--nocycle", "--parallelism=2", "--input", "a"]
    own, beams = translate.split_flags(["program", *words])
    assert own == ["program", "--model=g", "--nocycle", "--input", "a"]
    assert beams == ["--runner", "FlinkRunner", "--parallelism=2"]


@needs_beam
@pytest.mark.release
@pytest.mark.process
def test_two_workers_killed_and_started_anew(here, capsys):
    """Real processes: what a killed job wrote stays, what it did not is made, nothing twice."""
    draw(240)
    pathlib.Path("in/bad.png").write_bytes(b"\x89PNG")
    module = "cyclegan_keras.beam.translate"
    command = [sys.executable, "-m", module, *FOLDER, "--direct_num_workers=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as job:
        out = pathlib.Path("out")
        while job.poll() is None and not (
            len(list(out.glob(".translation.job.*/*.worker"))) == 2
            and len(list(out.rglob("[0-9]*.*"))) >= 40
        ):
            time.sleep(0.02)
        everyone = [psutil.Process(job.pid), *psutil.Process(job.pid).children(recursive=True)]
        for process in everyone:
            process.kill()
        psutil.wait_procs(everyone[1:])
    assert job.returncode == -signal.SIGKILL
    before = identities("out")
    assert 40 <= len(before) < 240
    capsys.readouterr()
    assert run(*FOLDER) == 1
    said = capsys.readouterr().out
    assert f"{len(before)} of 241 exist already" in said
    assert f"Wrote {240 - len(before)} pictures to out" in said
    assert f"1 of {241 - len(before)} could not be translated:\n  in/bad.png is" in said
    assert identities("out").items() >= before.items()
    assert not [*out.rglob(".*partial*"), *out.glob(".*job*")]
    assert translate_command.main(["translate.py", *FOLDER[:2], "--output=one"]) == 1
    assert files("out") == files("one")
    assert files("out").keys() == files("in").keys() - {"bad.png"}


def test_the_former_name_of_the_command(monkeypatch, capsys):
    former = "cyclegan_keras.inference.beam_translate"
    monkeypatch.setattr(sys, "argv", [former, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(former, run_name="__main__")  # as `python -m`
    assert ended.value.code == 0
    assert "--strength" in capsys.readouterr().out


@needs_beam
def test_files_that_are_no_pictures_are_counted_by_kind(here, capsys):
    pathlib.Path("in/film.mp4").touch()
    pathlib.Path("in/notes.txt").write_text("no picture")
    assert run(*FOLDER, "--dry_run") == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Passed over 2 files of in: 1 text, 1 video. Videos are translated one")
    assert last == "6 to translate."
