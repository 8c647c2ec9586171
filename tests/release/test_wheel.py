"""The wheel holds and asks for all that an installation needs, without a checkout beside it."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile

import packaging.metadata
import pytest
from conftest import ROOT
from optional import optional

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

pytestmark = [pytest.mark.release, pytest.mark.process]

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
# A word of each command's help that only this command has.
OPTIONS = {
    "cyclegan-train": "--run_dir",
    "cyclegan-translate": "--strength",
    "cyclegan-evaluate": "--report",
    "cyclegan-export": "--tflite_variants",
    "cyclegan-compress": "--target_kb",
    "cyclegan-weights": "export-pth",
    "cyclegan-pairs": "combine",
    "cyclegan-slices": "join",
    "cyclegan-serve": "--port",
    "cyclegan-beam": "--strength",
    "cyclegan-check-data": "--seconds",
}


def run(*words, cwd):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the files of the project, without what earlier builds left among them."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    """The wheel that `python -m build` makes: first the source archive, and the wheel from that."""
    optional("build")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, checkout, cwd=folder)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the programs of an environment with the wheel and what it asks for."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=True)
    programs = environment / "bin"
    done = subprocess.run(
        [
            str(programs / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--constraint",
            str(ROOT / "requirements.lock"),
            str(wheel),
        ],
        cwd=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = f"the packages that the wheel asks for could not be installed: {done.stderr}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return programs


def test_a_wheel_from_the_source_archive_is_that_of_the_checkout(wheel, checkout, tmp_path):
    optional("build")
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        tmp_path,
        checkout,
        cwd=tmp_path,
    )
    contents = []
    for path in (wheel, tmp_path / wheel.name):
        with zipfile.ZipFile(path) as file:
            contents.append({name: file.read(name) for name in file.namelist()})
    assert sorted(contents[0]) == sorted(contents[1])
    assert contents[0] == contents[1]


def test_what_the_wheel_says_of_itself_is_valid(wheel):
    with zipfile.ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = packaging.metadata.Metadata.from_email(file.read(name), validate=True)
    assert metadata.description == (ROOT / "README.md").read_text()
    assert metadata.description_content_type == "text/markdown"
    assert {"wandb", "mlflow", "hub", "data"} <= set(metadata.provides_extra)


def test_the_package_is_that_of_the_wheel(installed, tmp_path):
    for package in ("cyclegan_keras", "pipelines", "cyclegan_commands"):
        code = f"import {package}; print({package}.__file__)"
        assert str(installed.parent) in run(installed / "python", "-c", code, cwd=tmp_path)


def test_every_file_of_the_packages_is_installed(checkout, wheel):
    files = {
        str(path.relative_to(checkout))
        for package in ("cyclegan_keras", "pipelines")
        for path in (checkout / package).rglob("*")
        if path.is_file()
    }
    assert {"cyclegan_keras/report/report.css", "pipelines/data.py"} <= files
    with zipfile.ZipFile(wheel) as file:
        assert files - set(file.namelist()) == set()


@pytest.mark.parametrize("command", SCRIPTS)
def test_every_command_is_installed(command, installed, tmp_path):
    assert OPTIONS[command] in run(installed / command, "--help", cwd=tmp_path)


def test_tools_of_developers_are_not_asked_for(installed, tmp_path):
    packages = run(installed / "python", "-m", "pip", "list", cwd=tmp_path).lower()
    assert "tensorflow" in packages
    for tool in ("pytest", "ruff", "wandb", "mlflow", "huggingface", "imagehash", "mkdocs"):
        assert tool not in packages


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
