"""Measures how long a user waits: for imports, --help, a built trainer, the first step.

python benchmarks/startup.py
python benchmarks/startup.py --crop_size=128 --ngf=64   # the first step of a real training
git worktree add ../earlier v1.0 && python benchmarks/startup.py --against=../earlier

Everything is timed in new processes, one round after the other, so that a disturbance affects all
rows alike; the table shows medians. With --against, another checkout takes turns with this one.

The import of cyclegan_keras is timed after `import tensorflow, keras`. The "first step" lasts from
the call of `fit` to the end of the first step, with the tracing of its graph; the "second step" is
a second call of `fit`, which need not trace. The rows of train.py last from the start of the
process to its message about the first step: for a new run, and for one that is continued from a
checkpoint; "by its log" is what that message says. The last line is JSON.
"""

import argparse
import itertools
import json
import os
import pathlib
import platform
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
OF_FIRST_STEP = re.compile(r"The first step took ([\d.]+) s")

PROGRAMS = {
    "train.py --help": ("train.py", "--help"),
    "train.py --dry_run": ("train.py", "--preset=demo", "--dry_run"),
    "train.py --mistyped": ("train.py", "--mistyped"),
    "translate.py --help": ("translate.py", "--help"),
    "evaluate.py --help": ("evaluate.py", "--help"),
    "export.py --help": ("export.py", "--help"),
    "compress.py --help": ("compress.py", "--help"),
    "weights --help": ("-c", "import cyclegan_commands; cyclegan_commands.weights()", "--help"),
    "pairs --help": ("-m", "pipelines.pairs", "--help"),
}


def work(arguments: argparse.Namespace) -> dict[str, dict]:
    """Returns the seconds of everything up to a second step in this process, and versions."""
    marks = {"": time.perf_counter()}
    import keras  # noqa: F401  (imported to be timed)
    import tensorflow as tf

    marks["import tensorflow, keras"] = time.perf_counter()
    import cyclegan_keras  # noqa: F401

    marks["import cyclegan_keras"] = time.perf_counter()
    from contestants.ours import trainer_and_batch

    trainer, batch = trainer_and_batch(arguments)
    marks["building the trainer"] = time.perf_counter()
    data = tf.data.Dataset.from_tensors(batch)
    for step in ("first step", "second step"):
        trainer.fit(data, verbose=0, shuffle=False)
        marks[step] = time.perf_counter()
    from cyclegan_keras.runs.run import versions

    seconds = {name: marks[name] - marks[before] for before, name in itertools.pairwise(marks)}
    return {"seconds": seconds, "versions": versions()}


def measure(arguments: argparse.Namespace, checkout: pathlib.Path) -> dict[str, dict]:
    """Returns what `work` does, and the seconds of every program, each in a new process."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(checkout)}
    options = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
        "text": True,
        "cwd": checkout,
        "env": environment,
    }
    script = [sys.executable, str(pathlib.Path(__file__).resolve()), *sys.argv[1:], "--worker"]
    done = subprocess.run(script, check=True, **options)
    measured = json.loads(done.stdout.splitlines()[-1])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "train.py", *shlex.split(arguments.train), f"--run_dir={folder}"]
        for name in ("train.py, new run", "train.py, continued"):
            total, logged = seconds_to_first_step(command, checkout, environment)
            measured["seconds"][name] = total
            measured["seconds"][f"{name}, by its log"] = logged
    if arguments.programs:
        for name, words in PROGRAMS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], check=False, **options)
            measured["seconds"][name] = time.perf_counter() - began
    return measured


def seconds_to_first_step(command: list[str], checkout: pathlib.Path, environment: dict) -> tuple:
    """Starts a training and stops it after its first step, which it saves.

    Returns:
        The seconds from the start of the process to its message about the first step, and those
        that the message names.
    """
    began = time.perf_counter()
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=checkout, env=environment, **options) as training:
        for line in training.stderr:
            found = OF_FIRST_STEP.search(line)
            if found:
                total = time.perf_counter() - began
                training.send_signal(signal.SIGINT)
                training.communicate()
                return total, float(found[1])
    raise RuntimeError(f"{shlex.join(command)} has ended without a first step.")


def main() -> None:
    """Measures round by round and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crop_size", type=int, default=64)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--ngf", type=int, default=8, help="of both kinds of networks")
    parser.add_argument("--rounds", type=int, default=5, help="after one that is not counted")
    parser.add_argument("--train", default="--preset=demo", help="flags of train.py")
    parser.add_argument("--against", type=pathlib.Path, help="a checkout of another version")
    parser.add_argument(
        "--programs",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="time --help and the like, too",
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(batch_size=1, mixed_precision=None, remat=False, jit_compile=False)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(work(arguments)))
        return
    checkouts = {"here": ROOT}
    if arguments.against:
        checkouts["against"] = arguments.against.resolve()
    for checkout in checkouts.values():  # a first round, whose seconds are not counted
        versions = measure(arguments, checkout)["versions"]
    rounds: dict[str, list] = {name: [] for name in checkouts}
    for _ in range(arguments.rounds):
        for name, checkout in checkouts.items():
            rounds[name].append(measure(arguments, checkout)["seconds"])
    result = {name: vars(arguments)[name] for name in ("crop_size", "generator", "ngf", "rounds")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    result.update(train=arguments.train, machine=machine, versions=versions)
    for name, measured in rounds.items():
        medians = {row: statistics.median(each[row] for each in measured) for row in measured[0]}
        print(f"{name:32}{'median s':>9}{'least s':>9}")
        for row, median in medians.items():
            print(f"{row:32}{median:9.3f}{min(each[row] for each in measured):9.3f}")
        result[name] = {row: round(median, 4) for row, median in medians.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
