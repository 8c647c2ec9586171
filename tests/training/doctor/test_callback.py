"""The doctor beside real trainers whose generators have a known fault."""

import json
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.files.errors import DoctorError
from cyclegan_keras.losses import ADVERSARIAL
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tensorboard import TensorBoard
from cyclegan_keras.training.doctor.callback import Doctor, callbacks_for
from cyclegan_keras.training.options import CUTOptions
from cyclegan_keras.training.trainer import Trainer

EVERY = 2500  # the longest patience is over after five checks
HEALTHY = {"d_x": 0.2, "d_y": 0.2}


def smooth(seed, n=4, side=64):
    """Pictures made of a few waves, of which no two are alike."""
    rows, columns = np.mgrid[:side, :side, :1][:2] / side
    waves = np.random.default_rng(seed).uniform(-3, 3, (3, n, 1, 1, 3))
    return (0.7 * np.sin(waves[0] * rows + waves[1] * columns + waves[2])).astype("float32")


PICTURES = {"x": smooth(0), "y": smooth(1)}


class Between(keras.layers.Layer):
    """A healthy G of this tiny world: half of its input, half of another picture."""

    def call(self, images):
        return 0.5 * images + 0.5 * keras.ops.flip(images, axis=2)


GENERATORS = {
    "healthy": lambda: keras.Sequential([Between()]),
    "inverted": lambda: keras.Sequential([keras.layers.Rescaling(-1.0)]),
    "copying": lambda: keras.Sequential([keras.layers.Rescaling(0.99)]),
    "collapsed": lambda: keras.Sequential([Between(), keras.layers.Rescaling(0.05, offset=0.3)]),
    "checkerboard": lambda: ResNetGenerator(ngf=4, n_blocks=1),  # untrained, and it stays so
}


def trainer(fault, directions=("x_to_y", "y_to_x")):
    """A real trainer, with the fault in G and a healthy F."""
    networks = {"generator_g": GENERATORS[fault](), "generator_f": GENERATORS["healthy"]()}
    names = dict(zip(("x_to_y", "y_to_x"), networks, strict=True))
    translators = {direction: names[direction] for direction in directions}
    return Trainer({name: networks[name] for name in translators.values()}, translators)


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "run")
    run.create()
    return run


def begin(run, model, step=0, gan_mode="lsgan", stop=False):
    model.finished_steps.assign(step)
    doctor = Doctor(
        run,
        TensorBoard(run.tensorboard),
        every=EVERY,
        pictures=PICTURES,
        method="cyclegan",
        gan_mode=gan_mode,
        stop=stop,
    )
    doctor.set_model(model)
    doctor.on_train_begin()
    return doctor


def advance(doctor, checks=1, **logs):
    for _ in range(checks):
        doctor.model.finished_steps.assign_add(EVERY)
        doctor.on_train_batch_end(0, {**HEALTHY, **logs})


def found(run):
    return [finding for row in run.checks() for finding in row["findings"]]


def said(caplog, level=logging.WARNING):
    return [record.getMessage() for record in caplog.records if record.levelno == level]


@pytest.mark.parametrize("fault", GENERATORS)
def test_a_fault_is_warned_of_once_and_written_down(fault, run, caplog):
    doctor = begin(run, trainer(fault))
    advance(doctor, checks=6)
    doctor.on_train_end()
    expected = [] if fault == "healthy" else [("G", fault, EVERY, True)]
    assert [(f["who"], f["ailment"], f["since"], f["begins"]) for f in found(run)] == expected
    assert said(caplog) == [finding["sentence"] for finding in found(run)]
    assert [row["step"] for row in run.checks()] == [EVERY * i for i in range(1, 7)]


@pytest.mark.parametrize("gan_mode", ["lsgan", "vanilla", "hinge"])
def test_a_discriminator_that_wins_is_found_by_its_loss(gan_mode, run):
    doctor = begin(run, trainer("healthy"), gan_mode=gan_mode)
    chance = ADVERSARIAL[gan_mode].loss_at_chance
    advance(doctor, checks=3, d_x=0.02 * chance, d_y=0.2 * chance)
    (finding,) = found(run)
    assert (finding["who"], finding["ailment"]) == ("D_X", "saturated")
    assert "2.0% of that of guessing" in finding["sentence"]


def test_a_critic_is_not_judged_by_its_loss(run):
    doctor = begin(run, trainer("healthy"), gan_mode="wgangp")
    advance(doctor, checks=3, d_x=-7.0, d_y=0.0)
    assert found(run) == []
    assert not any("loss" in name for row in run.checks() for name in row)


def test_one_way_methods_have_one_generator_and_one_discriminator(run):
    doctor = begin(run, trainer("inverted", directions=("x_to_y",)))
    doctor.model.finished_steps.assign(EVERY)
    doctor.on_train_batch_end(0, {"d_y": 0.2})
    (row,) = run.checks()
    assert {name.partition("/")[0] for name in row if "/" in name} == {"G", "D_Y"}


def test_checks_are_curves_and_findings_text_in_tensorboard(run):
    doctor = begin(run, trainer("inverted"))
    advance(doctor, checks=3)
    doctor.on_train_end()
    (events,) = run.tensorboard.iterdir()
    tags = [
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    ]
    assert tags.count("doctor") == 1
    assert tags.count("doctor/G/luminance_correlation") == 3
    assert tags.count("doctor/D_Y/loss_to_chance") == 3


def test_a_resumed_run_neither_repeats_nor_loses_a_finding(run, caplog):
    advance(begin(run, trainer("inverted")), checks=2)
    doctor = begin(run, trainer("inverted"), step=2 * EVERY)  # before it counts
    advance(doctor)
    assert len(said(caplog)) == 1
    doctor = begin(run, trainer("inverted"), step=3 * EVERY)  # after
    advance(doctor, checks=2)
    assert len(said(caplog)) == 1
    run.forget_metrics_after(2 * EVERY)  # the checkpoint is older than the finding
    doctor = begin(run, trainer("healthy"), step=2 * EVERY)
    advance(doctor, checks=3)
    assert found(run) == []


def test_the_end_is_told_once(run, caplog):
    advance(begin(run, trainer("inverted")), checks=3)
    doctor = begin(run, trainer("healthy"), step=3 * EVERY)
    with caplog.at_level(logging.INFO, logger="absl"):
        advance(doctor, checks=5)
    (message,) = said(caplog, logging.INFO)
    assert message.startswith(f"G no longer turns bright into dark, since step {4 * EVERY}: ")
    assert len(found(run)) == 2


def test_stop_ends_the_training_and_raises_when_all_have_ended(run):
    doctor = begin(run, trainer("inverted"), stop=True)
    doctor.model.stop_training = False
    advance(doctor, checks=2)
    assert not doctor.model.stop_training
    advance(doctor)
    assert doctor.model.stop_training
    run.save(3 * EVERY, {"net/000/kernel": np.float32(0)})
    with pytest.raises(
        DoctorError, match=r"^G turns bright.*--seed.*step 7500.*--doctor=warn"
    ) as e:
        doctor.raise_if_sick()
    assert e.value.exit_code == 1
    with pytest.raises(DoctorError, match=r"since step 2500: .*--doctor=warn"):
        begin(run, trainer("inverted"), step=3 * EVERY, stop=True)
    begin(run, trainer("inverted"), step=3 * EVERY, stop=False)


def test_a_line_of_doctor_jsonl_is_plain_json(run):
    advance(begin(run, trainer("healthy")))
    (line,) = (run.directory / "doctor.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert row.pop("step") == EVERY
    assert row.pop("findings") == []
    assert all(isinstance(value, float) for value in row.values())
    assert row["G/luminance_correlation"] == pytest.approx(1, abs=0.5)
    assert row["D_X/loss_to_chance"] == pytest.approx(0.8)


@pytest.mark.parametrize(("mode", "stops"), [("off", []), ("warn", [False]), ("stop", [True])])
def test_the_flag_decides_whether_there_is_a_doctor(mode, stops, run):
    doctors = callbacks_for(
        mode=mode,
        run=run,
        tracker=TensorBoard(run.tensorboard),
        every=7,
        pictures=PICTURES,
        method="fastcut",
        options=CUTOptions(gan_mode="hinge"),
    )
    assert [doctor.stop for doctor in doctors] == stops
    for doctor in doctors:
        assert (doctor.every, doctor.diagnosis.method) == (7, "fastcut")
        assert doctor.loss_at_chance == ADVERSARIAL["hinge"].loss_at_chance
