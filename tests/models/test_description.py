import json
import zipfile

import keras
import pytest

from cyclegan_keras.models.description import Description
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
    told = {"direction": "BtoA", "source": "zebra", "target": "馬", "step": 7}
    generator.description = Description.of(generator, training={"ngf": 2, "data": [1]}, **told)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    assert loaded.description == generator.description
    assert loaded.description.words == "zebra to 馬"
    loaded.save(tmp_path / "again.keras")
    assert keras.saving.load_model(tmp_path / "again.keras").description == loaded.description


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
    told = {**Description(step=3).to_dict(), "invented": 1}
    assert Description.from_dict(json.loads(json.dumps(told))) == Description(step=3)


@pytest.mark.parametrize("wrong", [{"direction": "AB"}, {"bit_depth": 12}])
def test_refuses(wrong):
    with pytest.raises(ValueError, match=f"Received: {next(iter(wrong))}="):
        Description(**wrong)
