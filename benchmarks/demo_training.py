"""Trainings of the demo whose ends are compared; one that has ended is not repeated."""

import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parents[1]
ERROR = re.compile(r"([GF]) on [xy]: .* is ([\d.]+) of 255; unchanged inputs have ([\d.]+)")


def train(folder: pathlib.Path, options: Sequence[str], threads: int | None) -> dict[str, float]:
    """Trains the demo once, or reads what it came to before.

    Args:
        folder: the run; what `train.py` says is kept beside it, in a file of its name and `.log`.
        options: of `train.py`, beside the preset.
        threads: to use; all cores unless given.

    Returns:
        The errors of G and F to the true counterparts, of 255, by "G" and "F"; those of unchanged
        inputs by "G0" and "F0".
    """
    log = folder.with_name(f"{folder.name}.log")
    if not (log.exists() and ERROR.search(log.read_text())):
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            str(ROOT / "train.py"),
            "--preset=demo",
            f"--run_dir={folder}",
            "--checkpoint_minutes=5",
            *options,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if threads:
            environment["TF_NUM_INTRAOP_THREADS"] = str(threads)
            environment["TF_NUM_INTEROP_THREADS"] = str(threads)
            environment["OMP_NUM_THREADS"] = str(threads)
        with log.open("w") as output:
            subprocess.run(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=True
            )
    errors = {}
    for letter, error, unchanged in ERROR.findall(log.read_text()):
        errors[letter], errors[f"{letter}0"] = float(error), float(unchanged)
    if not errors:
        sys.exit(f"{log} does not end with the errors of G and F as train.py prints them.")
    print(folder.name, errors, flush=True)
    return errors
