"""The command gives animations and videos to what translates them."""

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.commands import translate
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.models.resnet_generator import ResNetGenerator


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "generator_g.keras"
    generator = ResNetGenerator(ngf=4, n_blocks=1)
    generator(np.zeros((1, 16, 16, 3), "float32"))
    generator.save(path)
    return str(path)


@pytest.fixture
def moving(tmp_path):
    images = [Image.new("RGB", (16, 20), (200, 40, 20 * index)) for index in range(3)]
    path = tmp_path / "a.gif"
    images[0].save(path, save_all=True, append_images=images[1:], duration=50, loop=0)
    return path


@pytest.mark.parametrize("name", ["b.gif", "b.webp", "b.apng"])
def test_all_frames_become_an_animation(name, model, moving, tmp_path, capsys):
    target = tmp_path / name
    assert translate.run(model=model, input=str(moving), output=str(target), strength=0.0) == 0
    assert f"Wrote {target}: 3 frames" in capsys.readouterr().out
    with Image.open(target) as image:
        assert (image.n_frames, image.size) == (3, (16, 20))
        image.seek(2)
        pixel = image.convert("RGB").getpixel((8, 8))
    np.testing.assert_allclose(pixel, (200, 40, 40), atol=4)


def test_all_frames_become_a_video(model, moving, tmp_path):
    av = pytest.importorskip("av")
    target = tmp_path / "b.mp4"
    assert translate.run(model=model, input=str(moving), output=str(target)) == 0
    with av.open(str(target)) as container:
        assert len(list(container.decode(video=0))) == 3


def test_the_first_frame_becomes_a_picture(model, moving, tmp_path):
    target = tmp_path / "b.png"
    assert translate.run(model=model, input=str(moving), output=str(target), strength=0.0) == 0
    with Image.open(target) as image:
        assert getattr(image, "n_frames", 1) == 1
        np.testing.assert_array_equal(image.convert("RGB").getpixel((8, 8)), (200, 40, 0))


def test_a_cycle_goes_beside_the_animation_alone(model, moving, tmp_path):
    model = f"{model},generator_f={model}"
    with pytest.raises(TranslationError, match="--cycle of an animation goes only with"):
        translate.run(model=model, input=str(moving), output=str(tmp_path / "b.gif"), cycle=True)
