"""The model card: what it says, and what it does not give away."""

import json

import pytest

from cyclegan_keras.export.web import card
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

ARROW = "\N{RIGHTWARDS ARROW}"


def described(generator, **fields):
    generator.description = Description.of(generator, **fields)
    return generator


@pytest.fixture
def make(make_job, tmp_path):
    """Makes a job of given generators."""

    def make(*generators, source=None, **options):
        job = make_job(tmp_path, **options)
        job.generators.clear()
        job.generators.update(zip(Direction, generators, strict=False))
        job.description["source"] = source or {"name": "ponies"}
        return job

    return make


def rows_of(job):
    return {row["key"]: row.get("value") for row in card.card(job, [])}


def details_of(job):
    return {row["key"]: row["details"] for row in card.card(job, []) if "details" in row}


def test_a_run_tells_its_training(make):
    training = {
        "options": {"method": "cyclegan"},
        "data": {
            "name": "/data/alice/secret/horses",
            "trainA": {"count": 3},
            "trainB": {"count": 4},
        },
    }
    generator = described(
        ResNetGenerator(ngf=2, n_blocks=1),
        source="horse",
        target="zebra",
        step=12345,
        training=training,
    )
    job = make(generator)
    rows = rows_of(job)
    assert rows["method"] == "CycleGAN"
    assert rows["data"] == "horses (3 + 4 pictures)"
    assert rows["steps"] == "12,345"
    assert rows["generator"] == "ResNet, 1 block, ngf 2"
    assert "alice" not in json.dumps(card.card(job, []))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("demo/ponies", "demo/ponies"),
        ("cycle_gan/horse2zebra", "cycle_gan/horse2zebra"),
        ("/data/horses/", "horses"),
        ("/", "/"),
        ("~/horses", "horses"),
        ("../horses", "horses"),
        ("C:\\alice\\horses", "horses"),
    ],
)
def test_only_the_last_word_of_a_path_is_shown(make, name, shown):
    training = {"data": {"name": name}}
    generator = described(ResNetGenerator(ngf=2, n_blocks=0), training=training)
    assert rows_of(make(generator))["data"] == shown


def test_it_says_that_no_license_was_named(make):
    job = make(ResNetGenerator(ngf=2, n_blocks=0))
    job.description["licence"] = None
    (row,) = [row for row in card.card(job, []) if row["key"] == "license"]
    assert row == {"key": "license", "word": card.NO_LICENSE}


def test_measures_of_this_step_are_shown(make, tmp_path):
    measure = {
        "name": "KID",
        "value": 12.345,
        "low": 10.0,
        "high": 14.5,
        "protocol": "1000 times the unbiased MMD^2",
    }
    result = {
        "directions": [
            {
                "direction": "horse to zebra",
                "measures": [measure, {**measure, "name": "L1 of the cycle"}],
            },
            {"direction": "zebra to horse", "measures": [{**measure, "value": 99.0}]},
        ]
    }
    folder = tmp_path / "run" / "evaluations" / "step_000000007"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps(result))
    generator = described(ResNetGenerator(ngf=2, n_blocks=0), source="horse", target="zebra")
    job = make(generator, source={"run": str(tmp_path / "run"), "step": 7})
    rows = rows_of(job)
    assert rows["KID"] == "12.3 (10 to 14.5)"
    assert details_of(job) == {"KID": "1000 times the unbiased MMD^2"}
    assert "L1 of the cycle" not in rows
    other_step = rows_of(make(generator, source={"run": str(tmp_path / "run"), "step": 8}))
    assert "KID" not in other_step

    back = described(
        ResNetGenerator(ngf=2, n_blocks=0),
        direction=Direction.B_TO_A,
        source="zebra",
        target="horse",
    )
    both = rows_of(make(generator, back, source={"run": str(tmp_path / "run"), "step": 7}))
    assert both[f"KID, horse {ARROW} zebra"].startswith("12.3 ")
    assert both[f"KID, zebra {ARROW} horse"].startswith("99 ")


def test_a_compression_tells_its_likeness(make, tmp_path):
    number = {"value": 29.528, "low": 29.1, "high": 29.96}
    kid = {"name": "KID", "student": number, "teacher": {}, "protocol": "unbiased MMD^2."}
    quality = {"likeness": [{"of": "student", "psnr_db": number}], "comparisons": [kid]}
    receipt = {"steps": 7, "directions": [{"signature": "a_to_b", "quality": quality}]}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "receipt.json").write_text(json.dumps(receipt))
    training = {"options": {"method": None}, "compressed_from": {"name": "horses"}}
    generator = described(ResNetGenerator(ngf=2, n_blocks=0), training=training)
    rows = rows_of(make(generator, source={"run": str(tmp_path / "run"), "step": 7}))
    assert rows["method"] == "compressed from horses"
    assert rows["teacher"] == "29.5 (29.1 to 30) dB"
    assert rows["KID"] == "29.5 (29.1 to 30)"
    earlier = rows_of(make(generator, source={"run": str(tmp_path / "run"), "step": 6}))
    assert "KID" not in earlier


def test_titles(make):
    generator = described(ResNetGenerator(ngf=2, n_blocks=0), source="horse", target="zebra")
    back = described(ResNetGenerator(ngf=2, n_blocks=0), source="zebra", target="horse")
    assert card.title(make(generator)) == f"horse {ARROW} zebra"
    assert card.title(make(generator, back)) == "horse \N{LEFT RIGHT ARROW} zebra"
    assert card.title(make(generator, web_title="Stripes!")) == "Stripes!"
    assert card.title(make(ResNetGenerator(ngf=2, n_blocks=0))) == "ponies"


def test_unpaired_methods_keep_detail():
    def keeps(generator, method):
        training = {"options": {"method": method}} if method else {}
        return card.keeps_detail(described(generator, training=training))

    resnet = ResNetGenerator(ngf=2, n_blocks=0)
    unet = UNetGenerator(ngf=2, n_downs=5)
    assert keeps(resnet, "cyclegan")
    assert keeps(resnet, None)
    assert not keeps(resnet, "pix2pix")
    assert keeps(unet, "cyclegan")
    assert not keeps(unet, None)
    assert card.generator_words(unet) == "U-Net, 5 steps down, ngf 2"
