"""Measures how long a user waits: for imports, --help, a built trainer, the first step.

python benchmarks/startup.py
python benchmarks/startup.py --crop_size=128 --ngf=64   # the first step of a real training

Everything is timed in new processes, one round after the other, so that a disturbance affects all
rows alike; the table shows medians. The import of cyclegan_keras is timed after `import tensorflow,
keras`. The first step includes tracing the graph, the second one does not. The last line is JSON.
"""

import argparse
import itertools
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

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


def measure() -> dict[str, dict]:
    """Returns what `work` does, and the seconds of every program, each in a new process."""
    options = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
        "text": True,
        "cwd": ROOT,
    }
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    script = [sys.executable, str(pathlib.Path(__file__).resolve()), *sys.argv[1:], "--worker"]
    done = subprocess.run(script, env=environment, check=True, **options)
    measured = json.loads(done.stdout.splitlines()[-1])
    for name, words in PROGRAMS.items():
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], env=environment, check=False, **options)
        measured["seconds"][name] = time.perf_counter() - began
    return measured


def main() -> None:
    """Measures round by round and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crop_size", type=int, default=64)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--ngf", type=int, default=8, help="of both kinds of networks")
    parser.add_argument("--rounds", type=int, default=5, help="after one that is not counted")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(batch_size=1, mixed_precision=None, remat=False)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(work(arguments)))
        return
    versions = measure()["versions"]  # a first round, whose seconds are not counted
    rounds = [measure()["seconds"] for _ in range(arguments.rounds)]
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    print(f"{'':26}{'median s':>9}{'least s':>9}")
    for name, median in medians.items():
        print(f"{name:26}{median:9.3f}{min(each[name] for each in rounds):9.3f}")
    result = {name: vars(arguments)[name] for name in ("crop_size", "generator", "ngf", "rounds")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    seconds = {name: round(median, 4) for name, median in medians.items()}
    result.update(machine=machine, versions=versions, seconds=seconds)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
