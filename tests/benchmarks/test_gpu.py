"""The arithmetic, the clock, the tables and the folder of benchmarks/gpu.sh; no card is needed."""

import json
import sys
import time

import keras
import pytest
from conftest import ROOT

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator

sys.path.append(str(ROOT / "benchmarks"))

from gpu import arithmetic, folder, steps, table
from gpu.clock import Clock
from gpu.settings import FULL


def work_of_graph(network: keras.Model, side: int) -> int:
    """Floating-point operations of convolutions in a network's graph, as TensorFlow counts them."""
    import tensorflow as tf
    from tensorflow.python.profiler import model_analyzer, option_builder

    graph = tf.function(network).get_concrete_function(tf.zeros((1, side, side, 3))).graph
    options = option_builder.ProfileOptionBuilder(
        option_builder.ProfileOptionBuilder.float_operation()
    )
    options = options.with_node_names(show_name_regexes=[".*onv.*"]).with_empty_output()
    return model_analyzer.profile(graph, options=options.build()).total_float_ops


@pytest.mark.slow
def test_work_of_networks_is_that_of_their_graphs():
    generator, _ = arithmetic.generator_work(32, 8, 6)
    found = work_of_graph(ResNetGenerator(n_blocks=6, ngf=8), 32)
    assert generator == pytest.approx(found, rel=0.02)
    judge, _ = arithmetic.discriminator_work(64, 8)
    assert judge == pytest.approx(work_of_graph(PatchDiscriminator(ndf=8), 64), rel=0.02)


def test_work_of_a_step_is_what_jax_counted():
    # jax.jit(step).lower(...).cost_analysis() gave 1884.02 GFLOP, elementwise operations included.
    work = arithmetic.step_work(crop_size=256, batch_size=1, ngf=64, blocks=9)
    assert work / 1e9 == pytest.approx(1884.02, rel=0.005)
    four = arithmetic.step_work(crop_size=256, batch_size=4, ngf=64, blocks=9)
    assert four == 4 * work


@pytest.mark.parametrize(
    ("card", "number_type", "tflops"),
    [
        ("NVIDIA H200", "bfloat16", 989.4),
        ("NVIDIA H100 80GB HBM3", "float32", 494.7),
        ("NVIDIA H100 PCIe", "bfloat16", 756.0),
        ("NVIDIA A100-SXM4-80GB", "bfloat16", 312.0),
        ("NVIDIA L4", "bfloat16", 121.0),
        ("NVIDIA L40S", "bfloat16", 362.0),
        ("Tesla T4", "bfloat16", None),
        ("NVIDIA H20", "bfloat16", 148.0),
        ("cpu", "float32", None),
    ],
)
def test_published_rates_are_those_of_the_card(card, number_type, tflops):
    assert arithmetic.published_tflops(card, number_type) == tflops


def test_utilization_is_work_over_time_over_rate():
    used = arithmetic.utilization(work=2e12, seconds=0.01, measured_tflops=800.0, published=1000.0)
    assert used == arithmetic.Utilization(of_measured=0.25, of_published=0.2)


def test_the_clock_leaves_out_what_does_not_fit():
    clock = Clock(100, began=time.time() - 60)
    assert clock.allows("Steps", 20)
    assert not clock.allows("Steps", 20, reserved=30)
    assert not clock.allows("Training", 50)
    assert clock.left_out == [
        "Steps: needs 20 s, and 10 s are left for it",
        "Training: needs 50 s, and 40 s are left for it",
    ]


def measured_case(**changes) -> steps.Case:
    case = steps.Case(contestant="here", number_type="bfloat16", batch_size=4)
    case.turns, case.steps, case.peak_mb = [0.02, 0.01, 0.03], 30, 5000.0
    case.compile_seconds = 33.0
    for name, value in changes.items():
        setattr(case, name, value)
    return case


def result_of(cases) -> dict:
    """A result as gpu.sh writes it, of an H200 whose matrix product reaches 500 TFLOP/s."""
    runs = steps.Runs(FULL, Clock(9), environment={}, logs=None)
    runs.facts = {"here": {"version": "jax 1", "device": "NVIDIA H200"}}
    runs.ceilings["bfloat16"] = {"here": [400.0, 500.0, 600.0], "torch": [450.0]}
    result = {
        "machine": "x86_64, 16 cores",
        "python": "3.12",
        "driver": "1",
        "left_out": ["KID: too late"],
        "steps": runs.results(cases),
        "training": {
            "command": "train.py",
            "pictures": "photos",
            "seconds": 240.0,
            "steps": 20000,
            "images_per_second": 321.4,
            "kid": {
                "step": 20000,
                "A to B": {
                    "untrained": 300.0,
                    "copied": 100.0,
                    "trained": 40.25,
                    "stderr": 2.51,
                    "real": -0.5,
                },
            },
        },
    }
    return json.loads(json.dumps(result))


def test_tables_hold_what_was_measured():
    lines = table.markdown(result_of([measured_case()])).splitlines()
    # 4 * 1879.2 GFLOP in 0.02 s are 376 TFLOP/s, of 500 and of 989.4.
    assert "| bfloat16, 4 | this project, JAX | 20 | 200 | 75% | 38% | 5 | 33 |" in lines
    assert "| A to B | 300 | 100 | 40.2 ± 2.5 | -0.5 |" in lines
    assert "Left out: KID: too late." in lines


def test_the_end_of_the_output_holds_the_table_and_every_failure():
    contestants = ("here", "torch", "torch, channels last", "torch.compile")
    failed = [
        steps.Case(contestant, number_type, batch_size, error="OutOfMemoryError: " + "m" * 300)
        for contestant in contestants
        for number_type in ("float32", "bfloat16")
        for batch_size in (1, 4)
    ]
    measured = [measured_case(contestant=name, batch_size=16) for name in contestants]
    text = table.plain(result_of([*failed, *measured]))
    assert len(text) < 11_000
    assert text.count("OutOfMemoryError") == len(failed)
    assert "PyTorch, torch.compile, bfloat16, batch 4: OutOfMemoryError" in text


@pytest.mark.process
def test_a_process_that_ends_says_why(tmp_path):
    command = [sys.executable, "-c", "import sys; print('{}', flush=True); sys.exit('no card')"]
    process = steps.Process("here", command, None, tmp_path / "log")
    assert process.receive(20) == {}
    with pytest.raises(steps.LostError, match="ended with 1: no card"):
        process.ask(20, do="turn")


def test_a_process_that_ends_takes_only_its_own_cases_along():
    clock = Clock(9)
    runs = steps.Runs(FULL, clock, environment={}, logs=None)
    at_fault = steps.Case("torch", "float32", 1)
    other = steps.Case("torch, channels last", "float32", 4)
    processes = {"torch": object(), "here": object()}
    runs._lose(processes, "torch", [at_fault, other], "ended with -6", at_fault=at_fault)
    assert processes["torch"] is None
    assert processes["here"] is not None
    assert (at_fault.went_along, other.went_along) == (False, True)
    assert clock.left_out == ["The process of torch ended with -6"]


def fill(path, **changes) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    manifest = {"pythons": [version], "wheels": [], "left_out": [], **changes}
    path.mkdir(exist_ok=True)
    (path / folder.MANIFEST).write_text(json.dumps(manifest))


def test_only_wheels_that_are_missing_are_unpacked(tmp_path):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    wheels = [
        {"file": "keras-1-py3-none-any.whl", "name": "keras", "pythons": [version]},
        {"file": "absent-1-py3-none-any.whl", "name": "absent-package", "pythons": [version]},
        {"file": "other-1-cp399.whl", "name": "other-package", "pythons": ["3.99"]},
    ]
    fill(tmp_path, wheels=wheels)
    assert folder.missing_wheels(tmp_path) == [tmp_path / "wheels" / "absent-1-py3-none-any.whl"]
    fill(tmp_path, left_out=[{"name": "absent-package", "python": version}])
    with pytest.raises(folder.FolderError, match="lacks absent-package"):
        folder.missing_wheels(tmp_path)
    fill(tmp_path, pythons=["3.99"])
    with pytest.raises(folder.FolderError, match=r"filled for Python 3\.99"):
        folder.missing_wheels(tmp_path)
    with pytest.raises(folder.FolderError, match="is not filled"):
        folder.missing_wheels(tmp_path / "nothing")


def test_a_folder_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "project_mb", lambda: 20.0)
    assert folder.check_size(tmp_path).startswith("20.0 MB travel")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(41_000_000)  # takes no space on the disk
    with pytest.raises(folder.FolderError, match="at most 60 are allowed"):
        folder.check_size(tmp_path)
