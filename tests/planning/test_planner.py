"""train.py --plan, as typed: what it prints, and that it leaves nothing behind."""

import dataclasses
import datetime
import re
import types

import pytest

from cyclegan_keras.cli import presets
from cyclegan_keras.commands import train
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.planning import planner
from cyclegan_keras.planning.advice import Estimate
from cyclegan_keras.planning.options import PlanOptions
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training.options import METHOD_OPTIONS, CycleGANOptions, OptimizerOptions

TINY = (
    "--dataset=demo/pony_pairs",
    "--preprocess=crop",
    "--crop_size=32",
    "--batch_size=4",
    "--method=pix2pix",  # has neither --remat nor FastCUT beside it: one process
    "--generator=resnet_3blocks",
    "--norm=none",
    "--ngf=2",
    "--discriminator=pixel",
    "--ndf=2",
    "--n_epochs=3",
    "--n_epochs_decay=2",
    "--steps_per_epoch=2000",
)
LINE = re.compile(
    r"^(?P<change>\S.*?) {2,}(?P<seconds>\S+) +(?P<images>\S+) +(?P<epoch>\S+ \S+) +"
    r"(?P<all>\S+ \S+) +(?P<peak>\S+) GB +(?P<fits>yes|no) +(?P<note>.*)$",
    re.MULTILINE,
)


@pytest.mark.process
def test_plan_of_a_training_that_does_not_fit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(planner, "SECONDS", 2.0)
    code = train.main(["train.py", "--plan", "--max_memory_gb=0.05", *TINY])
    out = capsys.readouterr().out
    assert code == 1
    assert list(tmp_path.iterdir()) == []  # no run directory, nothing
    assert "pix2pix on demo/pony_pairs: resnet_3blocks, ngf 2, 32x32 px, batches of 4" in out
    assert out.endswith("(--ngf, --ndf).\n")
    assert "Nothing here fits 0.05 GB" in out

    rows = {found["change"]: found for found in LINE.finditer(out)}
    assert list(rows) == [
        "as typed",
        "--accumulate_steps=4",
        "--cache=none",
        "--cache=none --accumulate_steps=4",
        "--batch_size=1",
        "--crop_size=8",
    ]
    assert {found["fits"] for found in rows.values()} == {"no"}
    typed = rows["as typed"]
    assert typed["note"] == "measured"  # small enough to be measured itself
    assert rows["--crop_size=8"]["note"] == "estimated, another training"
    seconds = float(typed["seconds"])
    assert float(typed["images"]) == pytest.approx(4 / seconds, rel=0.02)
    assert in_seconds(typed["epoch"]) == pytest.approx(2000 * seconds, rel=0.05)
    assert in_seconds(typed["all"]) == pytest.approx(10_000 * seconds, rel=0.05)
    assert float(rows["--crop_size=8"]["peak"]) <= float(typed["peak"])
    assert float(typed["peak"]) > 0.3  # what TensorFlow alone takes


def in_seconds(text):
    number, unit = text.split()
    return float(number) * {"s": 1, "min": 60, "h": 3600, "days": 86400}[unit]


def test_a_limit_without_a_plan_is_refused(capsys):
    assert train.main(["train.py", "--max_memory_gb=2", *TINY]) == 2
    assert "add --plan" in capsys.readouterr().err


def test_a_missing_data_set_is_named(tmp_path, capsys):
    assert train.main(["train.py", "--plan", f"--dataset={tmp_path}/none"]) == 2
    assert "none" in capsys.readouterr().err


def test_options_of_a_plan_are_not_saved():
    assert not PlanOptions().plan
    assert all(not f.metadata["saved"] for f in dataclasses.fields(PlanOptions))


class Sizes:
    """Data of which only the sizes are asked."""

    sizes = frozenset({(256, 256)})


def options_of(method="cyclegan", **networks):
    networks.setdefault("generator", "resnet_9blocks")
    return {
        "run": RunOptions(method=method),
        "networks": NetworkOptions(**networks),
        "optimizer": OptimizerOptions(),
        method: METHOD_OPTIONS[method](),
    }


@pytest.mark.parametrize(
    ("method", "values", "ways"),
    [
        ("cyclegan", {}, ["this training", "--remat", "--method=fastcut"]),
        ("cyclegan", {"dropout": True}, ["this training", "--method=fastcut"]),
        ("fastcut", {}, ["this training", "--remat"]),
        ("pix2pix", {"norm": "batch"}, ["this training"]),
    ],
)
def test_ways_that_are_measured_by_themselves(method, values, ways):
    options = options_of(method, ngf=2, ndf=2, **values)
    generator = ResNetGenerator(ngf=2, n_blocks=0, **values)

    asked = types.SimpleNamespace(
        networks={"generator_g": generator},
        translators={"x_to_y": "generator_g"},
        needs_pairs=method == "pix2pix",
    )
    found = planner.ways_to_measure(options, Sizes(), asked)
    assert list(found) == ways
    assert all(each["run"].remat == (way == "--remat") for way, each in found.items())


def test_fastcut_takes_its_own_defaults_and_keeps_what_was_typed():
    options = {**options_of(ngf=8), "cyclegan": CycleGANOptions(gan_mode="hinge")}
    changed = planner.as_fastcut(options, Sizes())
    own = presets.METHOD_DEFAULTS["fastcut"]
    assert changed["run"].method == "fastcut"
    assert changed["networks"].ngf == 8
    assert changed["networks"].antialias_up
    assert changed["networks"].init_type == own["init_type"]
    assert changed["optimizer"].n_epochs == 150
    assert changed["fastcut"].lambda_nce == own["lambda_nce"]
    assert not changed["fastcut"].nce_identity
    assert changed["fastcut"].gan_mode == "hinge"


def test_fastcut_respects_typed_networks():
    small = planner.as_fastcut(options_of(generator="resnet_4blocks", upsample="resize"), Sizes())
    assert small["networks"].generator == "resnet_4blocks"
    assert small["networks"].upsample == "resize"
    assert not small["networks"].antialias_up


# ---- text ----

NOW = datetime.datetime(2030, 1, 1, 12, 0)
TYPED = Estimate(
    change="", same=True, seconds=2.0, steps=100, epochs=36, images=4, peak=8e9, measured=True
)
REMAT = dataclasses.replace(TYPED, change="--remat", seconds=2.6, peak=5.1e9, measured=False)
CROP = dataclasses.replace(
    TYPED, change="--crop_size=64", same=False, seconds=0.5, peak=1e9, measured=False
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0.5 s"),
        (40, "40 s"),
        (99, "99 s"),
        (720, "12 min"),
        (12600, "3.5 h"),
        (86400, "24 h"),
        (86400 * 8.2, "8.2 days"),
        (86400 * 400, "400 days"),
    ],
)
def test_durations(seconds, text):
    assert planner.duration(seconds) == text


def test_the_table_is_aligned_and_shows_what_fits():
    lines = planner.table(TYPED, [REMAT, CROP], 6e9).splitlines()
    words = [" ".join(line.split()) for line in lines]
    assert words[0] == "s/step images/s an epoch in all memory fits"
    assert words[1] == "as typed 2 2 3.3 min 2.0 h 8.00 GB no measured"
    assert words[2] == "--remat 2.6 1.54 4.3 min 2.6 h 5.10 GB yes estimated"
    assert lines[3].endswith("yes  estimated, another training")
    assert len({line.index(" GB") for line in lines[1:]}) == 1


def test_verdicts():
    assert planner.verdict(TYPED, TYPED, 9e9, NOW) == (
        "Fits as typed: 8.00 of 9.00 GB. Started now, it would end on 2030-01-01 at 14:00."
    )
    assert planner.verdict(TYPED, REMAT, 6e9, NOW) == (
        "Fits with --remat: 5.10 of 6.00 GB, 1.3 times the time. Started now, it would end on "
        "2030-01-01 at 14:36."
    )
    assert planner.verdict(TYPED, CROP, 2e9, NOW).startswith(
        "Fits only as another training, with --crop_size=64: 1.00 of 2.00 GB, 0.25 times the time."
    )
    assert planner.verdict(TYPED, None, 5e8, NOW).startswith("Nothing here fits 0.50 GB")


def test_even_the_longest_training_ends():
    endless = dataclasses.replace(TYPED, seconds=1e9, steps=10**6, epochs=10**4, peak=1.0)
    assert "Fits as typed" in planner.verdict(endless, endless, 2.0, NOW)
