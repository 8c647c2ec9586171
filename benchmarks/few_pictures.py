"""What --diff_augment and --d_regularization gain where there are few pictures.

python benchmarks/few_pictures.py
python benchmarks/few_pictures.py --pictures=10 --ways "nothing" "color,translation,cutout"

Trains the demo, with as many steps as `make demo` but only the first pictures of each domain, in
several ways and with several seeds, and compares translations of the 32 test pictures with their
true counterparts. Interrupted, it continues where it stopped. The last line is JSON.
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
STEPS_PER_EPOCH = 400  # of the demo, which shows 400 pictures in an epoch

WAYS = {
    "nothing": [],
    "color,translation,cutout": ["--diff_augment=color,translation,cutout"],
    "translation,cutout": ["--diff_augment=translation,cutout"],
    "color,translation": ["--diff_augment=color,translation"],
    "translation": ["--diff_augment=translation"],
    "color": ["--diff_augment=color"],
    "cutout": ["--diff_augment=cutout"],
    "r1 0.01": ["--d_regularization=r1", "--lambda_r1=0.01"],
    "r1 0.1": ["--d_regularization=r1", "--lambda_r1=0.1"],
    "r1 1": ["--d_regularization=r1", "--lambda_r1=1"],
}


def train(arguments: argparse.Namespace, way: str, seed: int) -> dict[str, float]:
    """Trains once, or reads what it came to before; returns G and F -> error, "G0" and "F0"."""
    name = "-".join([str(arguments.pictures), way.replace(",", "-").replace(" ", "-"), str(seed)])
    options = [
        f"--max_dataset_size={arguments.pictures}",
        f"--steps_per_epoch={STEPS_PER_EPOCH}",
        f"--n_epochs={4 * arguments.times}",
        f"--n_epochs_decay={3 * arguments.times}",
        f"--seed={seed}",
        *WAYS[way],
    ]
    return demo_training.train(arguments.out / name, options, arguments.threads)


def main() -> None:
    """Trains in all ways and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=30, help="of each domain")
    parser.add_argument("--times", type=int, default=1, help="how many times the demo's steps")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS)[:2])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/few_pictures"))
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--threads", type=int, default=1, help="of a training")
    arguments = parser.parse_args()

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = {
            (way, seed): pool.submit(train, arguments, way, seed)
            for seed in range(arguments.seeds)
            for way in arguments.ways
        }
        errors = {key: job.result() for key, job in jobs.items()}
    report(arguments, errors)


def report(arguments: argparse.Namespace, errors: dict) -> None:
    """Prints the table and the line of JSON."""
    print(
        f"\n{arguments.pictures} pictures a domain, {7 * arguments.times * STEPS_PER_EPOCH} steps"
    )
    print(f"{'way':28}{'G: mean':>8}{'sd':>6}  of each seed{'':12}{'F: mean':>8}{'sd':>6}  of each")
    for way in arguments.ways:
        cells = []
        for letter in "GF":
            values = [errors[way, seed][letter] for seed in range(arguments.seeds)]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            each = " ".join(f"{value:.2f}" for value in values)
            cells.append(f"{statistics.mean(values):8.2f}{spread:6.2f}  {each:24}")
        print(f"{way:28}{''.join(cells)}")
    first = next(iter(errors.values()))
    print(f"{'unchanged inputs':28}{first['G0']:8.2f}{'':32}{first['F0']:8.2f}")

    sys.path.insert(0, str(ROOT))
    from cyclegan_keras.runs.run import versions

    result = {
        "pictures": arguments.pictures,
        "steps": 7 * arguments.times * STEPS_PER_EPOCH,
        "errors": {f"{way} seed {seed}": found for (way, seed), found in errors.items()},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
