"""The folder .gpu, which travels with the project to a machine without a network.

`fill_folder` fills it; gpu.sh takes from it what the machine does not have. Only the standard
library is needed here.
"""

import importlib.metadata
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".gpu"
MANIFEST = "manifest.json"
WEIGHTS = "efficientnet_lite0.safetensors"  # of the network that KID looks with
MOST_MB = 60  # of the folder and `NEEDED` together, each 10^6 bytes
# What gpu.sh runs of the project.
NEEDED = ("benchmarks", "cyclegan_keras", "pipelines", "cyclegan_commands.py", "train.py")


class FolderError(Exception):
    """The folder lacks something, or is too large; the message says what to do."""


def manifest(folder: pathlib.Path = FOLDER) -> dict:
    """Returns what the folder holds.

    Raises:
        FolderError: it was never filled.
    """
    try:
        return json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise FolderError(
            f"{folder} is not filled: run `benchmarks/gpu.sh --prepare` where there is a network, "
            "and take the folder along."
        ) from None


def project_mb() -> float:
    """Returns the size in MB of the files that gpu.sh needs of the project."""
    found = []
    for name in NEEDED:
        path = ROOT / name
        found += [path] if path.is_file() else files_in(path)
    return sum(path.stat().st_size for path in found) / 1e6


def folder_mb(folder: pathlib.Path = FOLDER) -> float:
    """Returns the size of the folder's files in MB."""
    return sum(path.stat().st_size for path in files_in(folder)) / 1e6


def files_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files in a folder and those below it, without what Python compiles."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def check_size(folder: pathlib.Path = FOLDER) -> str:
    """Returns a sentence about how much has to travel.

    Raises:
        FolderError: it is more than `MOST_MB`.
    """
    project, carried = project_mb(), folder_mb(folder)
    sentence = (
        f"{project + carried:.1f} MB travel: {project:.1f} of the project ({', '.join(NEEDED)}) "
        f"and {carried:.1f} in {folder.name}, at most {MOST_MB} are allowed."
    )
    if project + carried > MOST_MB:
        raise FolderError(f"{sentence} Fill the folder with fewer pictures or for one Python.")
    return sentence


def missing_wheels(folder: pathlib.Path = FOLDER) -> list[pathlib.Path]:
    """Returns the wheels for this Python of packages that it does not have.

    Raises:
        FolderError: the folder was never filled, or its wheels are for other Pythons.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = manifest(folder)
    if version not in found["pythons"]:
        raise FolderError(
            f"{folder} is filled for Python {', '.join(found['pythons'])}, and this is Python "
            f"{version}: fill it with --python={version}."
        )
    wheels = []
    for wheel in found["wheels"]:
        if version in wheel["pythons"] and not is_installed(wheel["name"]):
            wheels.append(folder / "wheels" / wheel["file"])
    absent = [
        each["name"]
        for each in found["left_out"]
        if each["python"] == version and not is_installed(each["name"])
    ]
    if absent:
        raise FolderError(
            f"Python {version} here lacks {' and '.join(absent)}, which had no place in {folder}: "
            f"fill it with --python={version} alone."
        )
    return wheels


def is_installed(name: str) -> bool:
    """Returns whether this Python has a package."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def install(target: pathlib.Path, folder: pathlib.Path = FOLDER) -> list[str]:
    """Unpacks the wheels of missing packages into `target`; returns their names.

    The packages of the machine stay as they are.

    Raises:
        FolderError: pip is missing or failed, or see `missing_wheels`.
    """
    wheels = missing_wheels(folder)
    if not wheels:
        return []
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
    command += ["--target", str(target), *map(str, wheels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FolderError(f"pip could not unpack the wheels: {done.stderr.strip()[-500:]}")
    return [wheel.name.split("-")[0] for wheel in wheels]
