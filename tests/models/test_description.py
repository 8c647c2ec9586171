import json
import zipfile

import keras
import pytest

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.models.description import Description, describe
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


def generators():
    return (ResNetGenerator(ngf=2, n_blocks=1), UNetGenerator(ngf=2, n_downs=3, input_channels=1))


def test_a_network_describes_itself():
    resnet, unet = generators()
    assert resnet.description == Description(size_multiple=4, smallest_size=8, norm="instance")
    expected = Description(input_channels=1, size_multiple=8, smallest_size=8, norm="batch")
    assert unet.description == expected


@pytest.mark.parametrize("generator", generators(), ids=lambda g: type(g).__name__)
def test_the_description_travels_with_the_file(generator, tmp_path):
    known = {"direction": "BtoA", "source": "zebra", "target": "馬", "step": 7}
    generator.description = Description.of(generator, training={"ngf": 2, "data": [1]}, **known)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    assert loaded.description == generator.description
    assert loaded.description.words == "zebra to 馬"
    loaded.save(tmp_path / "second.keras")
    assert keras.saving.load_model(tmp_path / "second.keras").description == loaded.description


def test_a_file_without_one_loads(tmp_path):
    generator = generators()[0]
    generator.save(tmp_path / "new.keras")
    with (
        zipfile.ZipFile(tmp_path / "new.keras") as new,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as old,
    ):
        for name in new.namelist():
            if not name.startswith("assets/"):
                old.writestr(name, new.read(name))
    loaded = keras.saving.load_model(tmp_path / "old.keras")
    assert loaded.description == Description.of(loaded)


def test_later_fields_are_passed_over():
    fields = {**Description(step=3).to_dict(), "invented": 1}
    assert Description.from_dict(json.loads(json.dumps(fields))) == Description(step=3)


def test_others_are_not_told_where_things_lie():
    training = {"options": {"dataset": "/data/alice/slices", "crop_size": 16}}
    description = Description(source="CT", training=training)
    assert description.to_dict()["training"] == training
    public = description.to_public_dict()
    assert public.pop("training") == {"options": {"dataset": "slices", "crop_size": 16}}
    assert public.items() <= description.to_dict().items()


def test_a_direction_may_be_given_by_its_name():
    description = Description(direction="BtoA")
    assert description.direction is Direction.B_TO_A
    assert type(description.to_dict()["direction"]) is str


@pytest.mark.parametrize(
    ("saved", "role", "expected"),
    [
        ("AtoB", "generator_g", ("AtoB", "horse", "zebra")),
        ("AtoB", "generator_f", ("BtoA", "zebra", "horse")),
        ("BtoA", "generator_g", ("BtoA", "horse", "zebra")),  # x comes first, here domain B
        ("BtoA", "generator_f", ("AtoB", "zebra", "horse")),
        (None, "generator_g", ("AtoB", "horse", "zebra")),
    ],
)
def test_a_run_says_which_way_its_generators_translate(saved, role, expected):
    network = generators()[0]
    options = {"direction": saved} if saved else {}
    facts = {"domains": ["horse", "zebra"]}
    made = Description.of_run(network, role, options=options, facts=facts, step=3)
    assert (made.direction, made.source, made.target) == expected
    bare = Description.of_run(network, role, options=options, facts={}, step=3)
    assert (bare.source, bare.target) == (bare.direction.source, bare.direction.target)


@pytest.mark.parametrize("wrong", [{"direction": "AB"}, {"bit_depth": 12}])
def test_refuses(wrong):
    with pytest.raises(ValueError, match=f"Received: {next(iter(wrong))}="):
        Description(**wrong)


def test_a_network_in_one_line():
    line = describe(ResNetGenerator(ngf=2, n_blocks=1))
    assert line.startswith("ResNetGenerator(input_channels=3, output_channels=3, ngf=2, n_blocks=1")
    assert line.endswith("2,499 parameters")
    assert "name" not in line
