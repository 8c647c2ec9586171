"""The wheel holds all that an installation needs, without a checkout beside it."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import venv

import pytest
from conftest import ROOT

pytestmark = [pytest.mark.release, pytest.mark.process]


def run(*words, cwd):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of the programs of an environment with the wheel and its dependencies.

    The dependencies are those of this environment, seen through a path file: the project itself,
    which is installed here as a checkout, is not, because path files are not read twice.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = ("--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *build, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    programs = environment / "bin"
    (own_packages,) = (environment / "lib").glob("python*/site-packages")
    (own_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = (
        "install",
        "--no-deps",
        "--quiet",
        "--force-reinstall",
        "--prefix",
        environment,
        wheel,
    )
    run(programs / "python", "-m", "pip", *install, cwd=folder)
    return programs


def test_the_package_is_that_of_the_wheel(installed, tmp_path):
    for package in ("cyclegan_keras", "pipelines", "cyclegan_commands"):
        code = f"import {package}; print({package}.__file__)"
        assert str(installed.parent) in run(installed / "python", "-c", code, cwd=tmp_path)


def test_every_file_of_the_pages_is_installed(installed, tmp_path):
    code = "import cyclegan_keras; print(cyclegan_keras.__path__[0])"
    package = pathlib.Path(run(installed / "python", "-c", code, cwd=tmp_path).strip())
    own = ROOT / "cyclegan_keras"
    files = [
        path.relative_to(own)
        for folder in ("pages", "report", "export/web")
        for path in (own / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    assert len(files) > 40
    assert [str(path) for path in files if not (package / path).is_file()] == []


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("train", "--run_dir"),
        ("translate", "--strength"),
        ("evaluate", "--report"),
        ("export", "--tflite_variants"),
        ("weights", "export-pth"),
        ("pairs", "combine"),
        ("beam", "--strength"),
    ],
)
def test_every_command_is_installed(command, option, installed, tmp_path):
    assert option in run(installed / f"cyclegan-{command}", "--help", cwd=tmp_path)


def test_a_training_goes_all_the_way_to_a_report(installed, tmp_path):
    tiny = (
        "--dataset=demo/ponies",
        "--run_dir=run",
        "--preprocess=crop",
        "--crop_size=32",
        "--generator=resnet_3blocks",
        "--ngf=2",
        "--ndf=2",
        "--steps_per_epoch=2",
        "--n_epochs=1",
        "--n_epochs_decay=0",
    )
    run(installed / "cyclegan-train", *tiny, cwd=tmp_path)
    evaluate = ("--model=run", "--metrics=paired", "--max_pictures=3", "--report=report.html")
    run(installed / "cyclegan-evaluate", *evaluate, cwd=tmp_path)
    assert "<html" in (tmp_path / "report.html").read_text()
    export = ("--run_dir=run", "--format=saved_model", "--allow_quality_loss", "--output=exported")
    run(installed / "cyclegan-export", *export, cwd=tmp_path)
    assert (tmp_path / "exported" / "1" / "saved_model.pb").exists()
