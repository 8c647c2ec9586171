"""Animations are made by Pillow, translated, and read by Pillow and FFmpeg."""

import numpy as np
import pytest
from PIL import Image, features

from cyclegan_keras.files.errors import PictureError, TranslationError, WriteError
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.animation import translate_animation
from cyclegan_keras.translation.listing import list_tasks
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.translator import Translator

HEIGHT, WIDTH = 24, 32
DURATIONS = [40, 100, 1000, 60, 50]
ENDINGS = [".gif", ".webp", ".apng"]
SOURCES = [".gif", ".webp", ".png"]
SAME = Recipe(translator=Translator(lambda x: x, Description()))
NEGATIVE = Recipe(translator=Translator(lambda x: -x, Description()))


def write(path, *, alpha=True, duration=DURATIONS, size=(HEIGHT, WIDTH), loop=0):
    """An animation of a square that moves over a transparent, or gray, background."""
    images = []
    for index in range(len(DURATIONS)):
        values = np.full((*size, 4), 120, np.uint8)
        values[..., 3] = 0 if alpha else 255
        values[4:16, index : index + 12] = (220, 80, 40, 255)
        image = Image.fromarray(values)
        images.append(image if alpha else image.convert("RGB"))
    settings = {".gif": {"disposal": 2}, ".webp": {"lossless": True}, ".avif": {"quality": 100}}
    images[0].save(
        path,
        format={".apng": "PNG"}.get(path.suffix),
        save_all=True,
        append_images=images[1:],
        duration=duration,
        loop=loop,
        **settings.get(path.suffix, {}),
    )
    return path


def read(path):
    """Returns (RGBA of all frames, their durations, the number of loops in the file)."""
    values, durations = [], []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            values.append(np.asarray(image.convert("RGBA")).astype(int))
            durations.append(image.info.get("duration"))
        return np.stack(values), durations, image.info.get("loop")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("alpha", [True, False])
def test_an_animation_becomes_one(source, ending, alpha, tmp_path):
    path = write(tmp_path / f"a{source}", alpha=alpha)
    target = tmp_path / "new" / f"b{ending}"
    assert translate_animation(path, target, NEGATIVE, batch_size=2) == len(DURATIONS)
    before, durations, loop = read(path)
    after, new_durations, new_loop = read(target)
    assert new_durations == durations == DURATIONS
    assert new_loop == loop == 0
    np.testing.assert_array_equal(after[..., 3], before[..., 3])
    inner = (slice(None), slice(6, 14), slice(6, 10))  # away from edges, where WebP smears
    np.testing.assert_allclose(after[inner][..., :3], 255 - before[inner][..., :3], atol=12)
    assert [p.name for p in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("loop", [1, 3])
def test_the_number_of_loops_stays(loop, tmp_path):
    path = write(tmp_path / "a.gif", loop=loop)
    translate_animation(path, tmp_path / "b.gif", SAME)
    assert read(tmp_path / "b.gif")[2] == loop
    translate_animation(path, tmp_path / "b.webp", SAME)
    assert read(tmp_path / "b.webp")[2] == loop + 1  # counted with the first time


def test_an_animated_avif_is_read(tmp_path):
    if not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    path = write(tmp_path / "a.avif", alpha=False)
    translate_animation(path, tmp_path / "b.apng", SAME)
    assert read(tmp_path / "b.apng")[1] == DURATIONS


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mkv"])
@pytest.mark.parametrize("source", SOURCES)
def test_an_animation_becomes_a_video(source, ending, tmp_path):
    """Times stay, also that of the last frame; what was transparent is white."""
    av = pytest.importorskip("av")
    path = write(tmp_path / f"a{source}")
    target = tmp_path / f"b{ending}"
    assert translate_animation(path, target, SAME, crf=5) == len(DURATIONS)
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
        length = container.duration / av.time_base
    np.testing.assert_allclose([f.time for f in frames], [0, 0.04, 0.14, 1.14, 1.2], atol=0.002)
    assert abs(length - 1.25) < 0.003
    first = frames[0]
    tags = first.colorspace, first.color_primaries, first.color_trc, first.color_range
    assert tags == (1, 1, 13, 1)  # BT.709, sRGB's transfer, limited range
    rgb = first.to_ndarray(format="rgb24", src_colorspace=1)
    np.testing.assert_allclose(rgb[20, 25], 255, atol=4)
    np.testing.assert_allclose(rgb[10, 6], (220, 80, 40), atol=8)


def test_frames_that_claim_no_time_are_a_tenth_of_a_second_in_videos(tmp_path):
    av = pytest.importorskip("av")
    path = write(tmp_path / "a.gif", duration=10)
    translate_animation(path, tmp_path / "b.mp4", SAME)
    with av.open(str(tmp_path / "b.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, [0, 0.1, 0.2, 0.3, 0.4], atol=0.002)
    translate_animation(path, tmp_path / "b.gif", SAME)
    assert read(tmp_path / "b.gif")[1] == [10] * 5


def test_odd_sizes_become_videos(tmp_path):
    av = pytest.importorskip("av")
    path = write(tmp_path / "a.gif", size=(23, 31))
    translate_animation(path, tmp_path / "b.mp4", SAME)
    with av.open(str(tmp_path / "b.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.height, frame.width) == (23, 31)


def test_the_network_sees_white_where_nothing_is(tmp_path):
    inputs = []

    def record(x):
        inputs.append(np.asarray(x))
        return x

    path = write(tmp_path / "a.webp")
    recipe = Recipe(translator=Translator(record, Description()))
    translate_animation(path, tmp_path / "b.webp", recipe, batch_size=2)
    assert [len(batch) for batch in inputs] == [2, 2, 1]
    np.testing.assert_array_equal(inputs[0][0, 20, 25], 1)


def test_side_by_side(tmp_path):
    recipe = Recipe(translator=NEGATIVE.translator, side_by_side=True)
    path = write(tmp_path / "a.png")
    translate_animation(path, tmp_path / "b.apng", recipe)
    left, right = np.split(read(tmp_path / "b.apng")[0], 2, axis=2)
    np.testing.assert_array_equal(left, read(path)[0])
    opaque = left[..., 3] == 255
    np.testing.assert_array_equal(right[opaque][:, :3], 255 - left[opaque][:, :3])


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng", ".mp4"])
def test_a_stopped_animation_leaves_nothing(ending, tmp_path):
    pytest.importorskip("av")
    asked = iter([False, True])
    target = tmp_path / "out" / f"b{ending}"
    path = write(tmp_path / "a.gif")
    stopped = lambda: next(asked)  # noqa: E731
    assert translate_animation(path, target, SAME, batch_size=2, stopped=stopped) is None
    assert not list(target.parent.iterdir())


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng", ".mp4"])
def test_a_full_disk_is_a_sentence(ending, tmp_path, limited_file_size):
    pytest.importorskip("av")
    path = write(tmp_path / "a.gif", size=(200, 300), alpha=False)
    noise = np.random.default_rng(0).uniform(-1, 1, (200, 300, 3)).astype("float32")
    recipe = Recipe(translator=Translator(lambda x: x * 0 + noise, Description()))
    with limited_file_size(20000), pytest.raises(WriteError, match="Cannot write"):
        translate_animation(path, tmp_path / f"b{ending}", recipe)
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]


def test_a_damaged_animation_is_a_sentence(tmp_path):
    path = write(tmp_path / "a.apng")
    path.write_bytes(path.read_bytes()[:-120])
    with pytest.raises(PictureError, match=r"a\.apng is damaged"):
        translate_animation(path, tmp_path / "b.gif", SAME)
    assert [p.name for p in tmp_path.iterdir()] == ["a.apng"]


PICTURE_ENDINGS = [".png", ".jpg", ".webp"]


@pytest.mark.parametrize("output", ["b.gif", "b.webp", "b.apng", "b.mp4", "b.mkv"])
@pytest.mark.parametrize("source", SOURCES)
def test_what_holds_frames_gets_all_of_them(source, output, tmp_path):
    path = write(tmp_path / f"a{source}")
    listing = list_tasks(str(path), str(tmp_path / output), endings=PICTURE_ENDINGS)
    assert listing.is_animation
    assert not listing.is_video
    assert listing.tasks[0].target == tmp_path / output


@pytest.mark.parametrize(
    ("source", "endings", "name", "is_animation"),
    [
        ("a.gif", list(FORMATS), "a.gif", True),
        ("a.webp", list(FORMATS), "a.webp", True),
        ("a.png", list(FORMATS), "a.png", False),
        ("a.gif", [".jpg"], "a.gif.jpg", False),
    ],
)
def test_a_single_animation_keeps_its_name_in_a_folder(
    source, endings, name, is_animation, tmp_path
):
    write(tmp_path / source)
    listing = list_tasks(str(tmp_path / source), str(tmp_path / "out"), endings=endings)
    assert listing.tasks[0].target == tmp_path / "out" / name
    assert listing.is_animation == is_animation


@pytest.mark.parametrize("output", ["b.png", "b.jpg"])
def test_what_holds_one_picture_gets_the_first(output, tmp_path):
    path = write(tmp_path / "a.gif")
    listing = list_tasks(str(path), str(tmp_path / output), endings=PICTURE_ENDINGS)
    assert not listing.is_animation


@pytest.mark.parametrize("output", ["b.gif", "b.mp4"])
def test_a_picture_that_does_not_move_becomes_no_animation(output, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    with pytest.raises(TranslationError, match=r"expected the ending|should be one too"):
        list_tasks(str(tmp_path / "a.gif"), str(tmp_path / output), endings=PICTURE_ENDINGS)


def test_animations_in_a_folder_are_pictures(tmp_path):
    write(tmp_path / "a.webp")
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    listing = list_tasks(str(tmp_path), str(tmp_path / "out"), endings=PICTURE_ENDINGS)
    assert not listing.is_animation
    assert len(listing.tasks) == 2
