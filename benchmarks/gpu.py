"""Measures steps and a training on a GPU within nine minutes; gpu.sh starts it.

benchmarks/gpu.sh                # on a machine with an NVIDIA GPU, JAX and PyTorch
benchmarks/gpu.sh --rehearse     # tiny, on a CPU
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

import gpu_folder
import gpu_steps
import gpu_table
import gpu_training
from gpu_clock import Clock

# Seconds of parts are what they usually take: each may take more as long as the rest still fits.
FULL = {
    "crop_size": 256,
    "batch_sizes": (1, 16, 4),  # the most telling ones first
    "ngf": 64,
    "generator": "resnet_9blocks",
    "blocks": 9,
    "matrix": 8192,
    "cpu": False,
    "compile_backend": "inductor",
    "turns": 5,
    "turn_seconds": 0.2,
    "compile_seconds": 100,
    "train_size": 128,
    "train_batch": 4,
    "train_start_seconds": 40,
    "train_seconds": 240,
    "train_least_seconds": 200,
    "train_end_seconds": 15,
    "kid_seconds": 35,
    "kid_most": 192,  # pictures
    "log_every": 50,
}
REHEARSAL = {
    "crop_size": 32,
    "batch_sizes": (1,),
    "ngf": 4,
    "generator": "resnet_6blocks",
    "blocks": 6,
    "matrix": 128,
    "cpu": True,
    "compile_backend": "aot_eager",
    "turns": 2,
    "turn_seconds": 0.02,
    "compile_seconds": 150,
    "train_size": 32,
    "train_batch": 2,
    "train_start_seconds": 120,
    "train_seconds": 20,
    "train_least_seconds": 20,
    "train_end_seconds": 60,
    "kid_seconds": 60,
    "kid_most": 8,
    "log_every": 5,
}


def main() -> int:
    """Measures, prints tables and writes results; returns 0 where anything was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rehearse", action="store_true", help="tiny networks on a CPU")
    parser.add_argument("--parts", default="steps,training", help="which, separated by commas")
    parser.add_argument("--limit", type=float, default=525, help="seconds for everything")
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, default=gpu_folder.FOLDER, help="of wheels")
    parser.add_argument("--pictures", type=pathlib.Path, help="instead of those in the folder")
    arguments = parser.parse_args()
    settings = argparse.Namespace(**(REHEARSAL if arguments.rehearse else FULL))
    settings.weights = str(arguments.folder / gpu_folder.WEIGHTS)
    clock = Clock(arguments.limit, arguments.began)
    out = pathlib.Path(os.environ.get("OUT") or gpu_folder.ROOT / "benchmarks" / "gpu-results")
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
        measure_parts(arguments, settings, clock, result, environment, work=work, out=out)
    except gpu_folder.FolderError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        keep_logs(work, out / "log.txt")
        shutil.rmtree(work, ignore_errors=True)
    save(result, clock, out)
    print(f"\n{gpu_table.plain(result)}\n\nTook {clock.passed:.0f} s. Results are in {out}.")
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
        print(gpu_folder.check_size(arguments.folder))
        installed = gpu_folder.install(packages, arguments.folder)
        print(f"Unpacked for this run: {', '.join(installed) or 'nothing'}.")
    elif not gpu_folder.is_installed("keras"):
        gpu_folder.manifest(arguments.folder)  # says that the folder is not filled
    paths = [str(gpu_folder.ROOT), str(packages), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
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


def measure_parts(arguments, settings, clock: Clock, result, environment, *, work, out) -> None:
    """Adds "steps" and "training" to a result; what fails is named, and the rest goes on."""
    parts = arguments.parts.split(",")
    if "steps" in parts:
        reserved = gpu_training.usual_seconds(settings) if "training" in parts else 0
        result["steps"] = gpu_steps.measure(
            settings, clock, reserved=reserved, environment=environment, logs=work
        )
        save(result, clock, out)
        if gpu_steps.HERE not in result["steps"]["versions"]:
            clock.leave_out("Training: JAX cannot be used here")
            return
    if "training" in parts:
        result["training"] = {}
        try:
            pictures = pictures_of(arguments, settings, environment, work)
            gpu_training.train(
                settings,
                clock,
                result["training"],
                pictures=pictures,
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
    (out / "tables.md").write_text(gpu_table.markdown(result))


def pictures_of(arguments, settings, environment, work: pathlib.Path) -> pathlib.Path:
    """Returns the folder to train on; a rehearsal draws a few pictures where none are there."""
    if arguments.pictures:
        settings.dataset = arguments.pictures.name
        return arguments.pictures.resolve()
    if not arguments.rehearse:
        settings.dataset = gpu_folder.manifest(arguments.folder)["dataset"]
        return arguments.folder.resolve() / "pictures"
    settings.dataset = "ponies"
    pictures = work / "pictures"
    draw = (
        "import argparse, pathlib, sys; import fill_gpu_folder as filling; "
        "filling.write_pictures(argparse.Namespace(dataset='demo/ponies', data_dir=None, "
        f"train=12, test=8, size={settings.train_size}), pathlib.Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", draw, str(pictures)],
        env=environment,
        cwd=gpu_folder.ROOT / "benchmarks",
        check=True,
    )
    return pictures


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
    return done.stdout.strip().splitlines()[0]


def keep_logs(work: pathlib.Path, path: pathlib.Path) -> None:
    """Joins the ends of all logs in one file."""
    parts = []
    for log in sorted(work.glob("*.log")):
        parts.append(f"==== {log.name}\n{log.read_text(errors='replace')[-100_000:]}\n")
    path.write_text("".join(parts))


if __name__ == "__main__":
    sys.exit(main())
