"""Fills the folder .gpu with what gpu.sh needs on a machine without a network.

benchmarks/gpu.sh --prepare --dataset=photos --python=3.12

These are wheels of the packages that JAX and PyTorch do not bring, in the versions of
requirements.lock; the weights by which KID is measured, in half precision; and pictures to train
on, scaled to 128 by 128 pixels. The folder and what it needs of the project stay below 60 MB
together, so there is room for all wheels of one Python and some of others: large ones, which many
machines have, come last. `--python` may be given several times, the most likely one first.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from packaging.requirements import Requirement

from gpu import pictures
from gpu.folder import (
    FOLDER,
    MANIFEST,
    MOST_MB,
    ROOT,
    WEIGHTS,
    check_size,
    folder_mb,
    project_mb,
)

# What training, its pictures and KID import, without what JAX and PyTorch bring themselves. What
# rich needs to color source code is left out.
SMALL = (
    "keras",
    "absl-py",
    "namex",
    "rich",
    "optree",
    "packaging",
    "psutil",
    "safetensors",
    "tqdm",
    "lazy-loader",
    "tifffile",
    "cloudpickle",
    "etils",
    "portpicker",
    "protobuf",
    "importlib-resources",
    "zipp",
)
LARGE = ("grain", "array-record", "h5py", "pillow")  # the last ones are those of most machines
PYTHONS = ("3.12", "3.11", "3.13", "3.10")  # those of more machines first
GLIBC = (17, 24, 26, 27, 28)  # minor versions of manylinux that machines with such cards have


def main() -> None:
    """Fills the folder and writes its manifest."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    pictures.add_options(parser)
    parser.add_argument("--python", action="append", help="of the machine; usually 3.10 to 3.13")
    parser.add_argument("--machine", default="x86_64", help="or aarch64")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    arguments = parser.parse_args()
    pythons = arguments.python or list(PYTHONS)
    folder = arguments.folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "wheels").mkdir(parents=True)

    write_weights(folder / WEIGHTS)
    counts = pictures.write_pictures(arguments, folder / "pictures")
    wheels: dict[str, dict] = {}
    for python in pythons:
        for name in SMALL:
            keep(fetch(name, python, arguments.machine), python, folder, wheels)
    left_out = []
    for python in pythons:
        for name in LARGE:
            wheel = fetch(name, python, arguments.machine)
            if project_mb() + folder_mb(folder) + wheel.stat().st_size / 1e6 > MOST_MB - 0.5:
                left_out.append({"name": name, "python": python})
            else:
                keep(wheel, python, folder, wheels)
    manifest = {
        "pythons": pythons,
        "machine": arguments.machine,
        "dataset": pathlib.PurePath(arguments.dataset).name,
        "pictures": counts,
        "wheels": list(wheels.values()),
        "left_out": left_out,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for each in left_out:
        print(f"No room for {each['name']} for Python {each['python']}: the machine must have it.")
    print(f"{len(wheels)} wheels for Python {', '.join(pythons)}; pictures: {counts}.")
    print(check_size(folder))


def write_weights(path: pathlib.Path) -> None:
    """Writes the weights of the network of KID in float16, which halves them to 9 MB.

    That changes a KID by less than a tenth of its standard error.
    """
    import numpy as np

    from cyclegan_keras.metrics.efficientnet_lite0 import find_weights
    from cyclegan_keras.weights.safetensors_file import write_safetensors
    from cyclegan_keras.weights.torch_file import read_state_dicts

    state = next(iter(read_state_dicts(find_weights()).values()))
    write_safetensors(
        path,
        {name: np.asarray(value).astype("float16") for name, value in state.items()},
    )


def requirement(name: str, python: str) -> str:
    """Returns a package with the version that requirements.lock has for a Python, if any."""
    variables = {"python_full_version": f"{python}.0", "python_version": python}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if not line.startswith(f"{name}=="):
            continue
        locked = Requirement(line)
        if locked.marker is None or locked.marker.evaluate({**variables, "extra": ""}):
            return f"{locked.name}{locked.specifier}"
    return name


def fetch(name: str, python: str, machine: str) -> pathlib.Path:
    """Downloads a wheel into a folder of its own; returns its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={python}", f"--platform=manylinux2014_{machine}"]
    command += [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    command += ["--platform=manylinux2010_x86_64"] if machine == "x86_64" else []
    target = tempfile.mkdtemp()
    done = subprocess.run(
        [*command, f"--dest={target}", requirement(name, python)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{name} for Python {python}: {done.stderr.strip()[-800:]}")
    (wheel,) = pathlib.Path(target).iterdir()
    return wheel


def keep(wheel: pathlib.Path, python: str, folder: pathlib.Path, wheels: dict[str, dict]) -> None:
    """Moves a wheel into the folder, and notes for which Python it is there."""
    shutil.move(wheel, folder / "wheels" / wheel.name)
    wheel.parent.rmdir()
    name = wheel.name.split("-")[0].replace("_", "-")
    entry = wheels.setdefault(wheel.name, {"file": wheel.name, "name": name, "pythons": []})
    entry["pythons"].append(python)


if __name__ == "__main__":
    main()
