"""Times a CycleGAN training step here, in plain PyTorch, and as the keras.io example takes it.

python benchmarks/train_step.py
python benchmarks/train_step.py --crop_size=64 --torch_python=/path/to/python   # one that has torch
KERAS_BACKEND=jax python benchmarks/train_step.py --crop_size=256 --mixed_precision=bfloat16
python benchmarks/train_step.py --against=../earlier   # a checkout of another version

Every contestant is a process of its own, so that its peak memory is its own, and they take steps in
turn, so that what disturbs one disturbs all. All train the same networks (ResNet generators, 70x70
discriminators, instance norm) on one batch, each made of its own library's layers. PyTorch computes
the same losses and takes the same step of four networks; the keras.io example has one persistent
tape and four optimizers, and each generator learns from one of the two cycles only. The work is
counted from the graph of our step, which runs on TensorFlow or, with KERAS_BACKEND=jax, on JAX. The
ceiling is a large matrix product of the same type on the same device. A contestant whose package is
missing is left out. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys

import turns

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

CONTESTANTS = ("here", "against", "keras.io", "torch", "torch.compile")
USUAL_CONTESTANTS = "keras.io,torch"  # compiling takes minutes on a CPU
# Each contestant allocates only the GPU memory it needs, so that the others have theirs.
GPU_MEMORY = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
UNCOUNTED = 2  # steps at the start


def work(arguments: argparse.Namespace) -> None:
    """Serves as one contestant."""
    try:
        if arguments.worker == "here":
            from contestants.ours import prepare
        elif arguments.worker == "keras.io":
            from contestants.keras_io import prepare
        else:
            from contestants.plain_torch import prepare
        made = prepare(arguments)
    except ImportError as error:
        turns.missing(error)
        return
    turns.serve(made["facts"], made["actions"], made["peak_mb"])


def parse() -> argparse.Namespace:
    """Returns the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crop_size", type=int, default=128)
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--ngf", type=int, default=64, help="of both kinds of networks")
    parser.add_argument("--steps", type=int, default=7, help="after two that are not counted")
    parser.add_argument("--mixed_precision", choices=("float16", "bfloat16"), help="of all")
    parser.add_argument("--jit_compile", action="store_true", help="TensorFlow's steps by XLA")
    parser.add_argument("--remat", action="store_true", help="our step by train.py --remat")
    parser.add_argument("--device", help="of PyTorch: cuda, cpu; a card where there is one")
    parser.add_argument("--torch_python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--against", type=pathlib.Path, help="a checkout of another version")
    parser.add_argument(
        "--contestants", default=USUAL_CONTESTANTS, help="beside here; also torch.compile"
    )
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    return parser.parse_args()


def program_of_checkout(arguments: argparse.Namespace) -> list[str]:
    """Returns the benchmark of another version, which measures itself as its own "here"."""
    program = [
        str(arguments.against / "benchmarks" / "train_step.py"),
        f"--crop_size={arguments.crop_size}",
        f"--batch_size={arguments.batch_size}",
        f"--generator={arguments.generator}",
        f"--ngf={arguments.ngf}",
    ]
    if arguments.mixed_precision:
        program.append(f"--mixed_precision={arguments.mixed_precision}")
    if arguments.jit_compile:
        program.append("--jit_compile")
    if arguments.remat:
        program.append("--remat")
    return program


def main() -> None:
    """Lets the contestants take steps in turn and prints a table."""
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return
    workers = {}
    wanted = ["here", *arguments.contestants.split(",")]
    if arguments.against:
        wanted.append("against")
    for name in CONTESTANTS:
        if name not in wanted:
            continue
        python = arguments.torch_python if name.startswith("torch") else sys.executable
        backend = {"KERAS_BACKEND": "tensorflow"} if name == "keras.io" else {}
        environment = {**GPU_MEMORY, **os.environ, **backend}
        if name == "against":
            worker = turns.Worker("here", python, environment, program_of_checkout(arguments))
        else:
            worker = turns.Worker(name, python, environment)
        if "missing" in worker.facts:
            print(f"{name} is left out: {worker.facts['missing']}.")
            worker.end()
        else:
            workers[name] = worker
    if "here" not in workers:
        sys.exit("Install TensorFlow, or JAX and set KERAS_BACKEND=jax.")
    seconds, memory, ceiling = {name: [] for name in workers}, {}, []
    for number in range(arguments.steps + UNCOUNTED):
        ceiling.append(workers["here"].ask("ceiling")["seconds"])
        for name, worker in workers.items():
            answer = worker.ask("step")
            memory[name] = answer["peak_mb"]
            if number >= UNCOUNTED:
                seconds[name].append(answer["seconds"])
    for worker in workers.values():
        worker.end()
    facts = {name: worker.facts for name, worker in workers.items()}
    report(arguments, facts, seconds, memory, statistics.median(ceiling[UNCOUNTED:]))


def report(arguments, facts: dict, seconds: dict, memory: dict, ceiling: float) -> None:
    """Prints the table and the line of JSON."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    here = facts["here"]
    peak = 2 * here["matrix"] ** 3 / ceiling / 1e9  # GFLOP/s
    reached = here["gflop"] / medians["here"]
    rows = [
        {
            "contestant": name,
            "seconds": round(medians[name], 4),
            "images_per_second": round(arguments.batch_size / medians[name], 3),
            "here_is_faster_by": round(medians[name] / medians["here"], 3),
            "peak_mb": round(memory[name]),
            "version": facts[name]["version"],
        }
        for name in medians
    ]
    print(f"{'':14}{'s/step':>9}{'images/s':>10}{'ratio':>8}{'peak MB':>9}")
    for row in rows:
        print("{:14}{:9.3f}{:10.2f}{:8.2f}{:9d}   {}".format(*row.values()))
    print(
        f"{here['gflop']:.0f} GFLOP a step, {reached:.0f} GFLOP/s: {reached / peak:.0%} of the "
        f"{peak:.0f} GFLOP/s of a matrix product."
    )
    result = {
        "crop_size": arguments.crop_size,
        "batch_size": arguments.batch_size,
        "generator": arguments.generator,
        "ngf": arguments.ngf,
        "mixed_precision": arguments.mixed_precision,
        "jit_compile": arguments.jit_compile,
        "remat": arguments.remat,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "device": here["device"],
        "gflop": here["gflop"],
        "ceiling_gflop_per_s": peak,
        "mfu": reached / peak,
        "compile_seconds": here.get("compile_seconds"),
        "contestants": rows,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
