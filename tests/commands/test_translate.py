"""The translation command: what a user types, reads and finds afterwards."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT
from made_runs import make_run
from optional import optional
from PIL import Image

from cyclegan_keras.commands import translate
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation import opening
from cyclegan_keras.translation.translator import Translator


def run(*words):
    """Runs the command in this process."""
    return translate.main(["translate.py", *map(str, words)])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A generator's file, and beside it a run of two."""
    folder = tmp_path_factory.mktemp("model")
    networks = {
        name: ResNetGenerator(ngf=2, n_blocks=3, init_gain=0.2, name=name)
        for name in ("generator_g", "generator_f")
    }
    ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.2).save(folder / "g.keras")
    make_run(folder / "run", networks)
    return folder


@pytest.fixture
def here(model, tmp_path, monkeypatch):
    """A working folder with the model and pictures."""
    monkeypatch.chdir(tmp_path)
    for name in ("g.keras", "run"):
        (tmp_path / name).symlink_to(model / name)
    draw("in/a.png", "in/sub/b.jpg", "in/c.png")
    return tmp_path


def draw(*names, size=(13, 9)):
    for seed, name in enumerate(names):
        pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3))
        Image.fromarray(values.astype("uint8")).save(name)


def pixels(name):
    with Image.open(name) as image:
        return np.asarray(image).astype(int)


def files(folder):
    found = (path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found if path.name[0] != "."}


FOLDER = ("--model=g.keras", "--input=in", "--output=out")


def test_a_folder(here, capsys):
    assert run(*FOLDER) == 0
    assert files("out") == {"a.png", "sub/b.jpg", "c.png"}
    out = capsys.readouterr().out
    assert "Translating A to B (AtoB)" in out
    assert "Wrote 3 pictures to out" in out
    assert "pictures/s" in out
    for name in files("out"):
        assert pixels(f"in/{name}").shape == pixels(f"out/{name}").shape


@pytest.mark.slow
def test_a_folder_in_int8(here, capsys, caplog):
    optional("ai_edge_quantizer")
    assert run(*FOLDER) == 0
    for _ in range(2):  # the second time with the graph that is kept
        words = ("--model=g.keras", "--input=in", "--output=fast", "--overwrite")
        assert run(*words, "--precision=int8") == 0
    assert caplog.text.count("Preparing the int8 graph of A to B (once per model)") == 1
    assert len(list(here.glob(".int8/*.tflite"))) == 1
    for name in files("fast") - {"sub/b.jpg"}:
        assert 0 < np.abs(pixels(f"out/{name}") - pixels(f"fast/{name}")).mean() < 4
    assert "Translating A to B (AtoB) in int8." in capsys.readouterr().out
    assert run(*FOLDER, "--precision=int8") == 2
    assert "precision was float32, now int8" in capsys.readouterr().err


def test_what_is_done_is_skipped_unless_overwritten(here, capsys):
    assert run(*FOLDER) == 0
    times = {name: os.stat(f"out/{name}").st_mtime_ns for name in files("out")}
    draw("in/new.png")
    capsys.readouterr()
    assert run(*FOLDER, "--dry_run") == 0
    assert capsys.readouterr().out == "in/new.png -> out/new.png\n1 to translate.\n"
    assert run(*FOLDER) == 0
    assert "3 of 4 exist already" in capsys.readouterr().out
    assert all(os.stat(f"out/{name}").st_mtime_ns == then for name, then in times.items())
    time.sleep(0.02)
    assert run(*FOLDER, "--overwrite") == 0
    assert "Wrote 4 pictures" in capsys.readouterr().out
    assert all(os.stat(f"out/{name}").st_mtime_ns > then for name, then in times.items())


def test_other_options_need_another_folder(here, capsys):
    assert run(*FOLDER) == 0
    assert run(*FOLDER, "--strength=0.5") == 2
    assert "strength was 1.0, now 0.5" in capsys.readouterr().err
    assert run("--model=run", *FOLDER[1:], "--direction=BtoA") == 2
    assert "by another model, direction was AtoB, now BtoA" in capsys.readouterr().err
    assert run(*FOLDER, "--strength=0.5", "--overwrite") == 0
    assert json.loads(pathlib.Path("out/.translation.json").read_text())["strength"] == 0.5


@pytest.mark.slow
def test_a_damaged_picture_costs_a_line_and_the_exit_code(here, capsys):
    pathlib.Path("in/bad.png").write_bytes(b"")
    assert run(*FOLDER) == 1
    assert files("out") == {"a.png", "sub/b.jpg", "c.png"}
    said = capsys.readouterr()
    assert "1 of 4 could not be translated:\n  in/bad.png is empty (0 bytes)." in said.out


def test_one_picture_and_strength_0(here, capsys):
    words = ("--model=g.keras", "--input=in/a.png", "--output=new/b.png")
    assert run(*words, "--strength=0") == 0
    np.testing.assert_array_equal(pixels("new/b.png"), pixels("in/a.png"))
    assert "Wrote new/b.png in" in capsys.readouterr().out
    assert run(*words) == 2
    assert "new/b.png exists already: --overwrite replaces it." in capsys.readouterr().err
    assert run(*words, "--overwrite") == 0
    assert np.any(pixels("new/b.png") != pixels("in/a.png"))
    assert files("new") == {"b.png"}
    assert os.listdir("new") == ["b.png"]


def test_names_that_are_no_text(here, capsys):
    os.rename(b"in/a.png", b"in/caf\xe9.png")
    pathlib.Path(os.fsdecode(b"in/na\xefve.png")).write_bytes(b"")
    assert run(*FOLDER, "--dry_run") == 0
    assert run(*FOLDER) == 1
    assert os.path.exists(b"out/caf\xe9.png")


def test_format_and_quality(here):
    assert run(*FOLDER, "--format=jpg", "--quality=20") == 0
    assert files("out") == {"a.png.jpg", "sub/b.jpg", "c.png.jpg"}
    with Image.open("out/a.png.jpg") as image:
        assert image.format == "JPEG"


@pytest.mark.slow
def test_there_and_back(here):
    words = ("--model=run", "--input=in", "--output=out", "--cycle")
    assert run(*words) == 0
    assert files("out") >= {"a.png", "a_cycle.png", "sub/b_cycle.jpg"}
    os.remove("out/a_cycle.png")
    assert run(*words) == 0
    assert "a_cycle.png" in files("out")
    beside = ("--model=run", "--input=in/a.png", "--output=s.png", "--side_by_side", "--cycle")
    assert run(*beside) == 0
    parts = np.split(pixels("s.png"), 3, axis=1)
    for part, name in zip(parts, ("in/a.png", "out/a.png", "out/a_cycle.png"), strict=True):
        np.testing.assert_array_equal(part, pixels(name))


def test_the_first_direction_of_a_run_is_the_default(here, capsys):
    for name, words in {"default": (), "back": ("--direction=BtoA",)}.items():
        assert run("--model=run", "--input=in/a.png", f"--output={name}.png", *words) == 0
    said = capsys.readouterr().out
    assert said.index("(AtoB)") < said.index("(BtoA)")
    assert np.any(pixels("default.png") != pixels("back.png"))


def test_bombs_are_refused_by_the_option(here, capsys):
    assert run(*FOLDER[:1], "--input=in/a.png", "--output=b.png", "--max_image_pixels=100") == 2
    assert "more than --max_image_pixels=100" in capsys.readouterr().err


BAD_INPUT = {
    "no model": (FOLDER[1:], "--model is missing"),
    "no input": (FOLDER[::2], "--input is missing"),
    "no output": (FOLDER[:2], "--output is missing"),
    "model gone": (("--model=gone.keras", *FOLDER[1:]), "gone.keras"),
    "input gone": ((FOLDER[0], "--input=gone", FOLDER[2]), "--input=gone does not exist"),
    "direction": ((*FOLDER, "--direction=BtoA"), "g.keras translates AtoB only"),
    "cycle": ((*FOLDER, "--cycle"), "--cycle needs a model of both directions"),
    "strength": ((*FOLDER, "--strength=1.5"), "expected at most 1.0"),
    "unknown": ((*FOLDER, "--outptu=x"), "Did you mean --output"),
    "no video": ((FOLDER[0], "--input=text.mp4", "--output=b.mp4"), "no video"),
    "video ending": ((FOLDER[0], "--input=text.mp4", "--output=b.avi"), "can be written as .mp4"),
    "video cycle": (
        ("--model=run", "--input=text.mp4", "--output=b.mp4", "--cycle"),
        "--cycle of a video goes only with --side_by_side",
    ),
    "no picture": ((FOLDER[0], "--input=text.png", "--output=b.png"), "text.png is not a picture"),
    "foreign files": ((*FOLDER[:2], "--output=theirs"), "was not written by this program"),
}


@pytest.mark.parametrize(("words", "sentence"), BAD_INPUT.values(), ids=list(BAD_INPUT))
def test_bad_input_is_a_sentence(words, sentence, here, capsys):
    if "video" in sentence or "can be written" in sentence:
        pytest.importorskip("av")
    for name in ("text.mp4", "text.png"):
        pathlib.Path(name).write_text("neither")
    draw("theirs/a.png")
    before = files(".")
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert files(".") == before


def test_a_video(here, capsys):
    av = pytest.importorskip("av")
    with av.open("a.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for shade in range(5):
            frame = np.full((24, 32, 3), 50 * shade, "uint8")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    words = ("--model=g.keras", "--input=a.mp4", "--output=b.mp4", "--side_by_side")
    assert run(*words) == 0
    assert "Wrote b.mp4: 5 frames" in capsys.readouterr().out
    with av.open("b.mp4") as container:
        assert [(f.width, f.height) for f in container.decode(video=0)] == [(64, 24)] * 5
    assert run(*words) == 2


def test_a_signal_ends_it_cleanly(here, capsys, monkeypatch):
    """The model is the real one; it only sends the signal while it works."""
    draw(*(f"in/{index}.png" for index in range(6)))
    real = opening.open_translators

    def opened(path, **more):
        def network(images):
            os.kill(os.getpid(), signal.SIGTERM)
            return images

        (way, translator), *_ = real(path, **more).items()
        return {way: Translator(network, translator.description)}

    monkeypatch.setattr(opening, "open_translators", opened)
    assert run(*FOLDER, "--batch_size=2") == 128 + signal.SIGTERM
    said = capsys.readouterr()
    assert "Stopped by SIGTERM. The same command continues from there." in said.out
    assert len(files("out")) == 2
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert run(*FOLDER) == 0
    assert len(files("out")) == 9


@pytest.mark.slow
@pytest.mark.process
def test_a_killed_job_is_finished_by_the_same_command(here, capsys):
    """The model is the real one; only it kills its process after some pictures."""
    draw(*(f"in/{index:03d}.png" for index in range(20)))
    code = (
        "import os, pathlib, signal, sys, time\n"
        "from cyclegan_keras.translation.translator import Translator\n"
        "from cyclegan_keras.commands import translate\n"
        "real, calls = Translator.__call__, []\n"
        "def call(self, *arguments):\n"
        "    calls.append(arguments)\n"
        "    if len(calls) == 10:\n"
        "        while len(list(pathlib.Path('out').rglob('[!.]*.png'))) < 3:\n"
        "            time.sleep(0.001)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(self, *arguments)\n"
        "Translator.__call__ = call\n"
        "sys.exit(translate.main(sys.argv))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *FOLDER, "--batch_size=1"]
    job = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert job.returncode == -signal.SIGKILL, job.stderr[-3000:]
    before = {name: os.stat(f"out/{name}").st_mtime_ns for name in files("out")}
    assert 3 <= len(before) < 23
    assert run(*FOLDER) == 0
    assert f"Wrote {23 - len(before)} pictures" in capsys.readouterr().out
    assert files("out") == files("in")
    assert not list(pathlib.Path("out").rglob(".*.partial.*"))
    for name in files("out"):
        assert pixels(f"out/{name}").shape == pixels(f"in/{name}").shape
    assert all(os.stat(f"out/{name}").st_mtime_ns == then for name, then in before.items())


def test_help_names_every_option(capsys):
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"--{word}" in shown for word in ("model", "strength", "[no]cycle", "tile_size"))
