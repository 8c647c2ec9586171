import dataclasses
import json
import pathlib
import sys
import time

import numpy as np
import pytest

from cyclegan_keras.compression import measuring
from cyclegan_keras.compression.measuring import (
    LEAST_ROUNDS,
    STUDENT,
    TEACHER,
    Costs,
    measure_costs,
    time_in_turns,
)
from cyclegan_keras.export.tflite import Measured
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

A_TO_B, B_TO_A = Direction.A_TO_B, Direction.B_TO_A


def some(count=2, side=32, seed=0):
    """Returns pictures that are smooth, as photographs mostly are."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (count, 4, 4, 3))
    return list(coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2).astype(np.uint8))


def of_both(value):
    return {A_TO_B: value, B_TO_A: value}


def test_things_are_timed_in_turns():
    calls = []
    times = time_in_turns({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=4)
    assert calls == list("ab" * 5)  # once to warm up
    assert {name: len(each) for name, each in times.items()} == {"a": 4, "b": 4}
    assert all(seconds >= 0 for each in times.values() for seconds in each)


def test_slow_things_are_timed_less_often(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def lasting(seconds):
        def run():
            now[0] += seconds

        return run

    times = time_in_turns({"slow": lasting(10.0), "fast": lasting(0.5)}, rounds=15, seconds=20)
    assert times["slow"] == [10.0] * LEAST_ROUNDS
    assert times["fast"] == pytest.approx([0.5] * 15)
    assert time_in_turns({}) == {}


@pytest.mark.parametrize("package", ["ai_edge_quantizer", "cyclegan_keras.export.tflite_run"])
def test_without_the_packages_the_pip_line_is_said(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delattr("cyclegan_keras.export.tflite_run", raising=False)
    teacher, student = ResNetGenerator(ngf=4, n_blocks=1), ResNetGenerator(ngf=2, n_blocks=0)
    costs = measure_costs(
        {A_TO_B: teacher},
        {A_TO_B: student},
        size=(32, 48),
        pictures={A_TO_B: some()},
        calibration={A_TO_B: some()},
    )[A_TO_B]
    assert costs.files == ()
    assert costs.left_out == (
        'Sizes and times of TFLite files are left out: pip install "cyclegan-keras[export]".',
    )
    assert costs.network(STUDENT).parameters == student.count_params()
    # kernel x kernel x in x out of each convolution, at the size of its output
    at_full, at_half, at_quarter = 32 * 48, 16 * 24, 8 * 12
    convolutions = 2 * (49 * 3 * 2 * at_full) + 9 * (
        2 * 4 * at_half + 4 * 8 * at_quarter + 8 * 4 * at_quarter + 4 * 2 * at_half
    )
    assert costs.network(STUDENT).macs == convolutions
    assert Costs.from_dict(json.loads(json.dumps(dataclasses.asdict(costs)))) == costs


@pytest.mark.slow
@pytest.mark.process
def test_files_of_both_are_measured_in_one_run():
    costs = measure_costs(
        {A_TO_B: ResNetGenerator(ngf=4, n_blocks=0, init_gain=0.1)},
        {A_TO_B: ResNetGenerator(ngf=2, n_blocks=0, init_gain=0.1)},
        size=(32, 32),
        pictures={A_TO_B: some()},
        calibration={A_TO_B: []},
        variants=["dynamic", "int8"],
        threads=1,
        seconds=0.1,
    )[A_TO_B]
    assert [(each.network, each.variant) for each in costs.files] == [
        (TEACHER, "dynamic"),
        (STUDENT, "dynamic"),
    ]
    student, teacher = costs.file(STUDENT, "dynamic"), costs.file(TEACHER, "dynamic")
    assert 0 < student.kb < teacher.kb
    assert min(student.ms, teacher.ms) > 0
    assert student.rounds >= LEAST_ROUNDS
    assert 20 < student.psnr_db < 200
    assert "calibrated" in costs.left_out[0]
    assert "on 1 CPU thread." in costs.protocol
    assert Costs.from_dict(json.loads(json.dumps(dataclasses.asdict(costs)))) == costs


def test_a_teacher_of_the_same_shape_is_measured_once(monkeypatch):
    exported = []

    def export(network, folder, name, *, variants, **more):
        exported.append(name)
        return {variant: pathlib.Path(folder, f"{name}_{variant}") for variant in variants}

    def measured(path, references, **more):
        return Measured({"bytes": 1000 * len(exported), "psnr_db": 45.0}, [])

    def times(files, **more):
        return {name: [3.0, 0.001 * (index + 1)] for index, name in enumerate(files)}

    monkeypatch.setattr(measuring, "export_tflite", export)
    monkeypatch.setattr(measuring, "measure", measured)
    monkeypatch.setattr(measuring, "_times_of", times)
    costs = measure_costs(
        of_both(ResNetGenerator(ngf=4, n_blocks=0)),
        of_both(ResNetGenerator(ngf=2, n_blocks=0)),
        size=(32, 32),
        pictures=of_both(some()),
        calibration=of_both([]),
        variants=["dynamic"],
    )
    assert exported == ["student_AtoB", "teacher_AtoB", "student_BtoA"]
    of_a, of_b = costs[A_TO_B], costs[B_TO_A]
    assert [each.kb for each in of_a.files] == [2.0, 1.0]  # teacher, student
    assert [each.kb for each in of_b.files] == [2.0, 3.0]
    assert [each.ms for each in of_b.files] == pytest.approx([2.0, 3.0])  # the least of two rounds
    assert of_b.file(STUDENT, "dynamic").rounds == 2
    # The file of the first teacher tells the costs of the second, and not how near that is.
    assert of_a.file(TEACHER, "dynamic").psnr_db == 45.0
    assert of_b.file(TEACHER, "dynamic").psnr_db is None


def test_a_file_that_cannot_be_made_is_left_out(monkeypatch):
    def refuse(*given, **more):
        raise measuring.ExportError("no file today.")

    monkeypatch.setattr(measuring, "export_tflite", refuse)
    costs = measure_costs(
        {A_TO_B: ResNetGenerator(ngf=4, n_blocks=0)},
        {A_TO_B: ResNetGenerator(ngf=2, n_blocks=0)},
        size=(32, 32),
        pictures={A_TO_B: some()},
        calibration={A_TO_B: some()},
    )[A_TO_B]
    assert costs.files == ()
    assert costs.left_out == (
        "The student's files are left out: no file today.",
        "The teacher's files are left out: no file today.",
    )
    assert "TFLite" not in costs.protocol


def test_teachers_of_other_shapes_are_measured_by_themselves():
    small, large = ResNetGenerator(ngf=2, n_blocks=0), ResNetGenerator(ngf=4, n_blocks=0)
    same = ResNetGenerator(ngf=2, n_blocks=0, name="another")
    unet = UNetGenerator(ngf=2, n_downs=5)

    def first(*networks):
        teachers = dict(zip(Direction, networks, strict=True))
        return measuring._with_measured_teacher(B_TO_A, teachers)

    assert first(small, same) == A_TO_B
    assert first(small, large) == B_TO_A
    assert first(small, unet) == B_TO_A


@pytest.mark.release
def test_files_of_a_student_are_near_to_its_float_self():
    costs = measure_costs(
        {A_TO_B: ResNetGenerator(ngf=16, n_blocks=4)},
        {A_TO_B: ResNetGenerator(ngf=16, n_blocks=4)},
        size=(64, 64),
        pictures={A_TO_B: some(4, side=64)},
        calibration={A_TO_B: some(8, side=64, seed=1)},
        variants=["fp32", "dynamic", "int8"],
        seconds=2.0,
    )[A_TO_B]
    assert costs.left_out == ()
    assert len(costs.files) == 6
    fp32, dynamic, int8 = (costs.file(STUDENT, name) for name in ("fp32", "dynamic", "int8"))
    assert fp32.psnr_db >= 100
    assert dynamic.psnr_db >= 40
    assert dynamic.kb < fp32.kb / 3
    assert int8.psnr_db < dynamic.psnr_db
    assert min(int8.ms, dynamic.ms) > 0
