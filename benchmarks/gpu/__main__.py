"""Measures steps and a training on a GPU within nine minutes; gpu.sh starts it.

benchmarks/gpu.sh                # on a machine with an NVIDIA GPU, JAX and PyTorch
benchmarks/gpu.sh --rehearse     # tiny, on a CPU

The steps are timed by `steps`, each contestant in a process of its own (`worker`); `training`
starts train.py and measures KID (`kid`) before and after it. `clock` says what there is time for,
`folder` brings what the machine lacks, and `table` turns the result into tables.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

from gpu import folder, steps, table, training
from gpu.clock import Clock
from gpu.settings import FULL, REHEARSAL, Settings


def main() -> int:
    """Measures, prints tables and writes results; returns 0 where anything was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rehearse", action="store_true", help="tiny networks on a CPU")
    parser.add_argument("--parts", default="steps,training", help="which, separated by commas")
    parser.add_argument("--limit", type=float, default=525, help="seconds for everything")
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, default=folder.FOLDER, help="of wheels")
    parser.add_argument("--pictures", type=pathlib.Path, help="instead of those in the folder")
    arguments = parser.parse_args()
    settings = REHEARSAL if arguments.rehearse else FULL
    clock = Clock(arguments.limit, arguments.began)
    out = pathlib.Path(os.environ.get("OUT") or folder.ROOT / "benchmarks" / "gpu-results")
    out.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="gpu-benchmark-"))
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "driver": driver(),
        "rehearsal": arguments.rehearse,
    }
    signal.signal(signal.SIGTERM, at_the_limit)
    try:
        environment = environment_of(arguments, work / "packages")
        measure_parts(
            arguments,
            settings,
            clock,
            result=result,
            environment=environment,
            work=work,
            out=out,
        )
    except folder.FolderError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        keep_logs(work, out / "log.txt")
        shutil.rmtree(work, ignore_errors=True)
    save(result, clock, out)
    print(f"\n{table.plain(result)}\n\nTook {clock.passed:.0f} s. Results are in {out}.")
    is_measured = any("seconds" in row for row in result.get("steps", {}).get("cases", []))
    is_trained = "steps" in result.get("training", {})
    return 0 if is_measured or is_trained else 1


def at_the_limit(number, frame) -> None:
    """Ends what is under way, so that what was measured before is still written."""
    raise TimeoutError("the whole took too long")


def environment_of(arguments: argparse.Namespace, packages: pathlib.Path) -> dict[str, str]:
    """Unpacks what this Python lacks; returns the environment variables of all processes.

    Raises:
        FolderError: something is missing that nobody has brought.
    """
    if arguments.folder.exists():
        installed = folder.install(packages, arguments.folder)
        print(f"Unpacked for this run: {', '.join(installed) or 'nothing'}.")
    elif not folder.is_installed("keras"):
        folder.manifest(arguments.folder)  # says that the folder is not filled
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(packages)]),  # of gpu.sh
        "KERAS_BACKEND": "jax",
        # JAX takes the memory it needs and no more, so that PyTorch has its own.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TORCHINDUCTOR_CACHE_DIR": str(packages.parent / "inductor"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # One card, also where there are several.
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
    }
    if arguments.rehearse:
        environment["JAX_PLATFORMS"] = "cpu"
        environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # compiles sooner
        environment["OMP_NUM_THREADS"] = "1"  # so tiny networks only wait for one another
    return environment


def measure_parts(
    arguments: argparse.Namespace,
    settings: Settings,
    clock: Clock,
    *,
    result: dict,
    environment: dict[str, str],
    work: pathlib.Path,
    out: pathlib.Path,
) -> None:
    """Adds "steps" and "training" to a result; what fails is named, and the rest goes on."""
    parts = arguments.parts.split(",")
    if "steps" in parts:
        reserved = training.usual_seconds(settings) if "training" in parts else 0
        result["steps"] = steps.measure(
            settings, clock, reserved=reserved, environment=environment, logs=work
        )
        save(result, clock, out)
        if steps.HERE not in result["steps"]["versions"]:
            clock.leave_out("Training: JAX cannot be used here")
            return
    if "training" in parts:
        result["training"] = {}
        try:
            dataset, pictures = pictures_of(arguments, settings.train_size, environment, work)
            training.train(
                settings,
                clock,
                result["training"],
                dataset=dataset,
                pictures=pictures,
                weights=arguments.folder.resolve() / folder.WEIGHTS,
                environment=environment,
                work=work,
                out=out,
            )
        except Exception as error:
            traceback.print_exc()
            clock.leave_out(f"Training: {type(error).__name__}: {error}")


def save(result: dict, clock: Clock, out: pathlib.Path) -> None:
    """Writes what is known so far."""
    result["seconds"] = clock.passed
    result["left_out"] = clock.left_out
    (out / "results.json").write_text(json.dumps(result, indent=1))
    (out / "tables.md").write_text(table.markdown(result))


def pictures_of(
    arguments: argparse.Namespace, size: int, environment: dict[str, str], work: pathlib.Path
) -> tuple[str, pathlib.Path]:
    """Returns the name of the data set and the folder to train on.

    A rehearsal draws a few pictures of `size` px where none are there.
    """
    if arguments.pictures:
        return arguments.pictures.name, arguments.pictures.resolve()
    if not arguments.rehearse:
        dataset = folder.manifest(arguments.folder)["dataset"]
        return dataset, arguments.folder.resolve() / "pictures"
    pictures = work / "pictures"
    command = [sys.executable, "-m", "gpu.pictures", "--dataset=demo/ponies", f"--size={size}"]
    command += ["--train=12", "--test=8", str(pictures)]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return "ponies", pictures


def driver() -> str:
    """Returns the version of the card's driver, and its limit of power."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version,power.limit", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return next(iter(done.stdout.strip().splitlines()), "unknown")


def keep_logs(work: pathlib.Path, path: pathlib.Path) -> None:
    """Joins the ends of all logs in one file."""
    parts = []
    for log in sorted(work.glob("*.log")):
        parts.append(f"==== {log.name}\n{log.read_text(errors='replace')[-100_000:]}\n")
    path.write_text("".join(parts))


if __name__ == "__main__":
    sys.exit(main())
