"""The second part of gpu.sh: a real training by train.py, and KID before and after it."""

import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

from gpu.clock import Clock
from gpu.folder import ROOT
from gpu.settings import Settings

LONGEST_START = 120  # seconds until the first row of metrics


def usual_seconds(settings: Settings) -> float:
    """Returns how many seconds are kept for this part; it takes more where there are more."""
    return (
        settings.train_start_seconds
        + settings.train_least_seconds
        + settings.train_end_seconds
        + settings.kid_seconds
    )


def train(
    settings: Settings,
    clock: Clock,
    found: dict,
    *,
    dataset: str,
    pictures: pathlib.Path,
    weights: pathlib.Path,
    environment: Mapping[str, str],
    work: pathlib.Path,
    out: pathlib.Path,
) -> None:
    """Trains for some minutes and measures KID.

    Args:
        settings: what is trained, and for how long.
        clock: says how much time there is.
        found: gets what becomes known, for JSON.
        dataset: how the pictures are called.
        pictures: the folder to train on.
        weights: of the network that KID looks with, where there is such a file.
        environment: of the processes.
        work: folder for the run.
        out: folder for its sample sheets and metrics.
    """
    run = work / "run"
    options = [f"--crop_size={settings.train_size}", f"--batch_size={settings.train_batch}"]
    options += [f"--generator={settings.generator}"]
    options += [f"--ngf={settings.ngf}", f"--ndf={settings.ngf}"]
    options += ["--mixed_precision=bfloat16", "--ema_decay=0.999"]
    silent = [f"--dataset={pictures}", f"--run_dir={run}", f"--log_every={settings.log_every}"]
    silent += ["--tracker=none", "--check_data=off", "--doctor=off", "--sample_every=1000000"]
    silent += ["--checkpoint_minutes=60", "--steps_per_epoch=1000", "--n_epochs=1000"]
    command = [sys.executable, str(ROOT / "train.py"), *options, *silent]
    after = settings.train_end_seconds + settings.kid_seconds
    found["command"] = " ".join(["train.py", *options])
    found["pictures"] = dataset
    if not clock.allows("Training", settings.train_seconds / 4 + 30, reserved=after):
        return
    print(f"Training for {settings.train_seconds} s, if there is time.", flush=True)
    log = work / "train.log"
    began = time.monotonic()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=errors, stderr=subprocess.STDOUT
        )
    try:
        metrics = run / "metrics.jsonl"
        while not metrics.exists() and process.poll() is None:
            if time.monotonic() - began > min(LONGEST_START, clock.left - after):
                break
            time.sleep(0.2)
        found["seconds_to_first_row"] = time.monotonic() - began
        trains_from = time.monotonic()
        while process.poll() is None:
            passed = time.monotonic() - trains_from
            if passed >= settings.train_seconds or clock.left < after:
                break
            time.sleep(0.2)
        found["seconds"] = time.monotonic() - trains_from
        process.send_signal(signal.SIGINT)
        longest_end = max(clock.left - settings.kid_seconds / 2, 5)
        process.wait(longest_end)
    except subprocess.TimeoutExpired:
        clock.leave_out(f"The training did not end {longest_end:.0f} s after it was asked to")
    finally:
        process.kill()
        process.wait()
    if process.returncode != 128 + signal.SIGINT:
        lines = log.read_text(errors="replace").strip().splitlines()
        found["error"] = f"train.py ended with {process.returncode}: {' '.join(lines[-3:])[-600:]}"
        clock.leave_out(found["error"])
    rows = []
    if metrics.exists():
        rows = [json.loads(line) for line in metrics.read_text().splitlines()]
        shutil.copy(metrics, out / "metrics.jsonl")
    if rows:
        # The first row holds what is slow only once.
        speeds = [row["images_per_second"] for row in rows[1:] or rows]
        found["images_per_second"] = statistics.median(speeds)
        found["steps"] = rows[-1]["step"]
        found["images"] = rows[-1]["step"] * settings.train_batch
        found["last_row"] = rows[-1]
    sheets = sorted((run / "samples").glob("step_*.png"))
    for sheet, name in zip([*sheets[:1], *sheets[-1:]], ("before.png", "after.png"), strict=False):
        shutil.copy(sheet, out / f"samples-{name}")
    if list((run / "checkpoints").glob("*.npz")):
        found["kid"] = measure_kid(
            run,
            pictures,
            clock,
            most=settings.kid_most,
            weights=weights,
            environment=environment,
            work=work,
        )


def measure_kid(
    run: pathlib.Path,
    pictures: pathlib.Path,
    clock: Clock,
    *,
    most: int,
    weights: pathlib.Path,
    environment: Mapping[str, str],
    work: pathlib.Path,
) -> dict:
    """Returns what `kid` measures of a run, or {"error": ...}."""
    log = work / "kid.log"
    command = [sys.executable, "-m", "gpu.kid", str(run), str(pictures), f"--most={most}"]
    if weights.exists():
        command.append(f"--weights={weights}")
    print("Measuring KID.", flush=True)
    try:
        with log.open("wb") as errors:
            done = subprocess.run(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=max(clock.left - 5, 1),
                check=False,
            )
    except subprocess.TimeoutExpired:
        clock.leave_out("KID: there was not enough time left")
        return {"error": "there was not enough time left"}
    if done.returncode:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no message"]
        clock.leave_out(f"KID: {lines[-1][:300]}")
        return {"error": lines[-1][:300]}
    return json.loads(done.stdout.decode().strip().splitlines()[-1])
