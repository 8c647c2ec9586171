"""Real processes on loopback, and two devices of one process, train what one device trains."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT
from optional import optional

from cyclegan_keras.distribution.team import differences

WORDS = (
    "--dataset=demo/ponies",
    "--load_size=18",
    "--crop_size=16",
    "--generator=resnet_6blocks",
    "--discriminator=pixel",
    "--ngf=2",
    "--ndf=2",
    "--lambda_identity=0",
    "--pool_size=3",
    "--batch_size=2",
    "--steps_per_epoch=1",  # so that epochs are steps
    "--lr_policy=constant",
    "--n_epochs_decay=0",
    "--log_every=1",
    "--sample_every=1000",
    "--doctor=off",
    "--checkpoint_minutes=0",
    "--keep_checkpoints=100",
)
SMALL = """
import functools, runpy, sys
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from pipelines.sources import demo

GENERATORS["resnet_6blocks"] = functools.partial(ResNetGenerator.from_options, n_blocks=0)
demo.TEST_COUNT = 4
"""
RUN_TRAIN = "runpy.run_path('train.py', run_name='__main__')"
# Two runs in one process that has two devices: the words after "--then" are those of the second.
RUN_TRAIN_TWICE = """
import os
from cyclegan_keras.commands import train

if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
middle = sys.argv.index("--then")
assert train.main(sys.argv[:middle]) == 0
sys.exit(train.main(["train.py", *sys.argv[middle + 1 :]]))
"""

BACKENDS = {
    "tensorflow": {"KERAS_BACKEND": "tensorflow"},
    "jax": {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
    },
}
TWO_DEVICES = {
    "tensorflow": {},
    "jax": {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
}


def start(*words, code=RUN_TRAIN, **environment):
    """Starts train.py as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SMALL + code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )


def start_two(*words, **environment):
    """Starts two workers that find each other on loopback; the second has no run directory."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]
    return [
        start(
            *WORDS,
            "--distribute=multi_worker",
            *words,
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            ),
            **environment,
        )
        for index in range(2)
    ]


def finish(process, code):
    out, err = process.communicate(timeout=600)  # only so that a fault does not hang
    assert process.returncode == code, err[-3000:]
    return out, err


def saved_steps(run_dir):
    return sorted(int(path.stem[5:]) for path in run_dir.glob("checkpoints/step_*.npz"))


def rows_of(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def started_until(condition, *words, **environment):
    """Starts two workers, three times at most, until `condition(chief, worker)` holds.

    Where a machine pauses for ten seconds, its workers count as lost; the same command continues.
    """
    for _ in range(3):
        chief, worker = start_two(*words, **environment)
        if condition(chief, worker):
            return chief, worker
        assert "Lost" in finish(chief, 1)[1]
        finish(worker, 1)
    pytest.fail("workers were lost three times")


@dataclasses.dataclass(frozen=True)
class Story:
    """A run of two workers, one of which was killed, continued by two workers, then by two devices.

    Attributes:
        run_dir: of that run.
        reference: directory of a run of one device that was never interrupted.
        lost: what the chief wrote when its worker was killed.
        chief, worker, devices: what those who continued wrote.
        killed_at, continued_to, ended_at: last steps of the three parts.
    """

    run_dir: pathlib.Path
    reference: pathlib.Path
    lost: str
    chief: str
    worker: str
    devices: str
    killed_at: int
    continued_to: int
    ended_at: int


@pytest.fixture(scope="module", params=BACKENDS)
def story(request, tmp_path_factory):
    backend, environment = request.param, BACKENDS[request.param]
    if backend == "jax":
        optional("jax")
        optional("grain")
    root = tmp_path_factory.mktemp("story")
    run_dir, reference = root / "two", root / "one"

    def is_training(chief, worker):
        while len(saved_steps(run_dir)) < 2 and chief.poll() is worker.poll() is None:
            time.sleep(0.02)
        return chief.poll() is worker.poll() is None

    chief, worker = started_until(
        is_training, "--n_epochs=100000", f"--run_dir={run_dir}", **environment
    )
    worker.send_signal(signal.SIGKILL)
    # The other notices: on TensorFlow, after ten seconds without a sign of life.
    lost = finish(chief, 1)[1]
    finish(worker, -signal.SIGKILL)
    killed_at = saved_steps(run_dir)[-1]

    continued_to = killed_at + 3
    chief, worker = started_until(
        lambda chief, worker: chief.wait(600) == 0,
        f"--n_epochs={continued_to}",
        f"--run_dir={run_dir}",
        **environment,
    )
    chief_out, worker_out = finish(chief, 0)[0], finish(worker, 0)[0]
    assert saved_steps(run_dir)[-1] == continued_to

    ended_at = continued_to + 3
    words = (*WORDS, f"--n_epochs={ended_at}")
    one_device = (*words, "--distribute=none", f"--run_dir={reference}")
    two_devices = (*words, "--distribute=mirrored", f"--run_dir={run_dir}")
    environment_of_two = environment | TWO_DEVICES[backend]
    both = start(
        *one_device,
        "--then",
        *two_devices,
        code=RUN_TRAIN_TWICE,
        **environment_of_two,
    )
    return Story(
        run_dir=run_dir,
        reference=reference,
        lost=lost,
        chief=chief_out,
        worker=worker_out,
        devices=finish(both, 0)[0],
        killed_at=killed_at,
        continued_to=continued_to,
        ended_at=ended_at,
    )


def assert_equal_to(step, story):
    """Compares the terms of all steps up to `step`, and the weights and pools after it."""
    run_dir, reference = story.run_dir, story.reference
    rows, expected = rows_of(run_dir)[:step], rows_of(reference)[:step]
    assert [row["step"] for row in rows] == list(range(1, step + 1))
    for row, other in zip(rows, expected, strict=True):
        del row["images_per_second"], other["images_per_second"]
        assert row == pytest.approx(other, rel=1e-5)
    name = f"checkpoints/step_{step:09d}.npz"
    with np.load(run_dir / name) as state, np.load(reference / name) as expected:
        assert state.files == expected.files
        # Not biases: those before instance norm have no gradient but noise, which Adam enlarges.
        compared = ("generator_g/", "generator_f/", "discriminator_", "pool_")
        for key in state.files:
            if key.startswith(compared) and "bias" not in key:
                np.testing.assert_allclose(
                    state[key], expected[key], rtol=1e-5, atol=3e-5, err_msg=key
                )


def test_differences_between_workers_are_named():
    chief, other = {"ngf": 8, "seed": 1, "trainB": None}, {"ngf": 4, "seed": 1, "tensorflow": "2"}
    assert differences(chief, chief) == []
    assert differences(chief, other) == [
        "ngf=4 (the chief has 8)",
        "tensorflow=2 (the chief has None)",
    ]


@pytest.mark.release
def test_a_lost_worker_ends_the_training_and_is_named(story):
    assert "train.py: Lost worker 1 (127.0.0.1:" in story.lost
    assert "run the same command on every worker to continue" in story.lost
    assert_equal_to(story.killed_at, story)


@pytest.mark.release
def test_workers_continue_from_the_chief_and_end_at_one_step(story):
    stop = story.continued_to
    assert f"Continuing {story.run_dir} after step " in story.chief
    assert f"Finished: step {stop} of {stop}." in story.chief
    assert story.worker.endswith(f"Finished: step {stop} of {stop}.\n")  # and wrote nothing
    assert (story.run_dir / "generator_g.keras").exists()
    assert_equal_to(stop, story)


@pytest.mark.release
def test_other_devices_continue_a_run(story):
    """Two devices of one process continue where two processes ended."""
    stop = story.ended_at
    assert story.devices.count(f"Finished: step {stop} of {stop}.") == 2
    assert saved_steps(story.run_dir)[-1] == stop
    assert_equal_to(stop, story)
