"""How near the truth a training in half precision comes, beside the same one in float32.

python benchmarks/half_precision.py
python benchmarks/half_precision.py --seeds 0 1 2 --jobs=2 --threads=1

Trains the demo in each precision with several seeds and compares the translations of the 32 test
pictures with their true counterparts, as `train.py` does at its end. Interrupted, it continues
where it stopped. The last line is JSON.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import statistics
import sys

import demo_training

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRECISIONS = ("float32", "bfloat16", "float16")


def train(arguments: argparse.Namespace, precision: str, seed: int) -> dict[str, float]:
    """Trains once, or reads what it came to before; returns G and F -> error, of 255."""
    options = [f"--seed={seed}"]
    if precision != "float32":
        options.append(f"--mixed_precision={precision}")
    folder = arguments.out / f"{precision}-{seed}"
    return demo_training.train(folder, options, arguments.threads)


def main() -> None:
    """Trains in all precisions and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS[:2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/half_precision"))
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--threads", type=int, help="of a training; all cores unless given")
    arguments = parser.parse_args()

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = {
            (precision, seed): pool.submit(train, arguments, precision, seed)
            for seed in arguments.seeds
            for precision in arguments.precisions
        }
        errors = {key: job.result() for key, job in jobs.items()}
    report(arguments, errors)


def report(arguments: argparse.Namespace, errors: dict) -> None:
    """Prints the table and the line of JSON."""
    sys.path.insert(0, str(ROOT))
    from cyclegan_keras.runs.run import versions

    by_name = {f"{precision} seed {seed}": found for (precision, seed), found in errors.items()}
    means = {}
    for precision in arguments.precisions:
        for letter in "GF":
            values = [errors[precision, seed][letter] for seed in arguments.seeds]
            means[precision, letter] = statistics.mean(values)
    print(f"\n{'error of 255':16}{'G':>8}{'ratio':>8}  of each seed{'':12}{'F':>8}{'ratio':>8}")
    first = arguments.precisions[0]
    for precision in arguments.precisions:
        cells = []
        for letter in "GF":
            mean = means[precision, letter]
            each = " ".join(f"{errors[precision, seed][letter]:.2f}" for seed in arguments.seeds)
            cells.append(f"{mean:8.2f}{mean / means[first, letter]:8.3f}  {each:24}")
        print(f"{precision:16}{''.join(cells)}")
    result = {
        "errors": by_name,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
