"""Animations are written here and read by Pillow and FFmpeg, and the other way round."""

import io
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.animation import (
    FOREVER,
    animation_writer,
    is_animated,
    milliseconds_shown,
    open_animation,
)
from cyclegan_keras.images.picture import Picture

HEIGHT, WIDTH = 20, 30
DURATIONS = [40, 100, 1000, 50]
ENDINGS = [".gif", ".webp", ".apng"]


def frames(alpha=True):
    """A square that moves right over a transparent, or dark, background."""
    pictures = []
    for index in range(len(DURATIONS)):
        pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        opacity = np.zeros((HEIGHT, WIDTH), np.uint8)
        square = (slice(4, 14), slice(2 + 5 * index, 12 + 5 * index))
        pixels[square] = (200, 60, 20 * index)
        opacity[square] = 255
        pictures.append(Picture(pixels=pixels, alpha=opacity if alpha else None))
    return pictures


def write(path, pictures, durations=DURATIONS, plays=FOREVER):
    with open(path, "wb") as file:
        writer = animation_writer(path, file, plays=plays)
        for picture, milliseconds in zip(pictures, durations, strict=True):
            writer.add(picture, milliseconds)
        writer.finish()
    return path


def read_by_pillow(path):
    """Returns (RGBA of all frames, their durations, the number of loops in the file)."""
    values, durations = [], []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            values.append(np.asarray(image.convert("RGBA")).astype(int))
            durations.append(image.info.get("duration"))
        return np.stack(values), durations, image.info.get("loop")


def as_one_file(picture, folder, ending):
    """RGB of a frame as a file of its own keeps it; WebP loses a little."""
    if ending != ".webp":
        return picture.pixels.astype(int)
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    image.save(folder / "one.webp", quality=95, exact=True)
    with Image.open(folder / "one.webp") as one:
        return np.asarray(one.convert("RGB")).astype(int)


def by_pillow(path, images, **settings):
    images[0].save(path, save_all=True, append_images=images[1:], **settings)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("alpha", [True, False])
def test_pillow_reads_what_is_written(ending, alpha, tmp_path):
    pictures = frames(alpha)
    values, durations, loop = read_by_pillow(write(tmp_path / f"a{ending}", pictures))
    assert durations == DURATIONS
    assert loop == 0
    expected = np.stack([as_one_file(picture, tmp_path, ending) for picture in pictures])
    opacity = np.full(expected.shape[:3], 255)
    if alpha:
        opacity = np.stack([picture.alpha for picture in pictures])
    np.testing.assert_array_equal(values[..., 3], opacity)
    difference = np.abs(values[..., :3] - expected)[opacity == 255]
    assert difference.mean() < 0.01


@pytest.mark.parametrize("ending", [".gif", ".apng"])  # FFmpeg reads no animated WebP
def test_ffmpeg_reads_what_is_written(ending, tmp_path):
    av = pytest.importorskip("av")
    path = write(tmp_path / f"a{ending}", frames(alpha=False))
    with av.open(str(path)) as container:
        decoded = list(container.decode(video=0))
    assert [round(frame.time, 3) for frame in decoded] == [0, 0.04, 0.14, 1.14]
    for frame, picture in zip(decoded, frames(alpha=False), strict=True):
        difference = frame.to_ndarray(format="rgb24").astype(int) - picture.pixels
        assert np.abs(difference).mean() < 0.5


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("plays", [0, 1, 2, 7])
def test_the_number_of_plays_stays(ending, plays, tmp_path):
    path = write(tmp_path / f"a{ending}", frames(), plays=plays)
    with open_animation(path) as animation:
        assert animation.plays == plays


@pytest.mark.parametrize(("ending", "settings"), [(".gif", {}), (".webp", {"lossless": True})])
def test_the_loop_of_pillow_is_understood(ending, settings, tmp_path):
    """In GIF the number counts repeats, in WebP plays; a GIF without it plays once."""
    images = [Image.fromarray(picture.pixels) for picture in frames()]
    twice = 1 if ending == ".gif" else 2
    by_pillow(tmp_path / f"twice{ending}", images, loop=twice, **settings)
    with open_animation(tmp_path / f"twice{ending}") as animation:
        assert animation.plays == 2
    by_pillow(tmp_path / f"none{ending}", images, **settings)
    with open_animation(tmp_path / f"none{ending}") as animation:
        assert animation.plays == (1 if ending == ".gif" else FOREVER)


@pytest.mark.parametrize(
    ("ending", "settings"),
    [
        (".gif", {"disposal": 2}),
        (".gif", {"disposal": 1}),
        (".webp", {"lossless": True, "exact": True}),
        (".png", {"disposal": 1, "blend": 0}),
        (".png", {"disposal": 0, "blend": 1}),
    ],
)
def test_frames_are_read_composed(ending, settings, tmp_path):
    """Pillow writes only what changes, and Pillow's frame of each index is the oracle."""
    images = []
    for picture in frames():
        image = Image.fromarray(picture.pixels)
        image.putalpha(Image.fromarray(picture.alpha))
        images.append(image)
    path = by_pillow(tmp_path / f"a{ending}", images, duration=DURATIONS, **settings)
    expected, durations, _ = read_by_pillow(path)
    with open_animation(path) as animation:
        read = list(animation.frames())
        assert (animation.count, animation.size) == (len(DURATIONS), (WIDTH, HEIGHT))
    assert [milliseconds for _, milliseconds in read] == durations
    for (picture, _), values in zip(read, expected, strict=True):
        np.testing.assert_array_equal(picture.pixels, values[..., :3])
        np.testing.assert_array_equal(picture.alpha, values[..., 3])


def test_the_picture_for_still_viewers_is_no_frame(tmp_path):
    images = [Image.fromarray(picture.pixels) for picture in frames()]
    path = by_pillow(tmp_path / "a.png", images, default_image=True, duration=30)
    with open_animation(path) as animation:
        read = [picture.pixels for picture, _ in animation.frames()]
    assert len(read) == len(images) - 1
    np.testing.assert_array_equal(read[0], frames()[1].pixels)


def test_a_gif_of_many_colors_is_near(tmp_path):
    y, x = np.mgrid[0:64, 0:64]
    pixels = np.stack([4 * x, 4 * y, 255 - 2 * x - 2 * y], axis=-1).astype(np.uint8)
    path = write(tmp_path / "a.gif", [Picture(pixels=pixels)] * 2, durations=[20, 20])
    values, *_ = read_by_pillow(path)
    assert np.abs(values[0, ..., :3] - pixels).mean() < 9
    assert np.abs(values[0, ..., :3].mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() < 1


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("alpha", [True, False])
def test_gray_is_written(ending, alpha, tmp_path):
    pictures = [
        Picture(pixels=picture.pixels[..., :1], alpha=picture.alpha) for picture in frames(alpha)
    ]
    values, *_ = read_by_pillow(write(tmp_path / f"a{ending}", pictures))
    opaque = values[..., 3] == 255
    expected = np.stack([picture.pixels for picture in pictures])
    assert np.abs(values[..., :3] - expected)[opaque].mean() < 1


@pytest.mark.parametrize("ending", ENDINGS)
def test_sixteen_bits_become_eight(ending, tmp_path):
    pictures = [picture.at_depth(16) for picture in frames(alpha=False)]
    values, *_ = read_by_pillow(write(tmp_path / f"a{ending}", pictures))
    expected = as_one_file(frames(alpha=False)[0], tmp_path, ending)
    np.testing.assert_array_equal(values[0, ..., :3], expected)


@pytest.mark.parametrize("ending", [".webp", ".apng"])
def test_a_color_profile_stays(ending, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pictures = [Picture(pixels=picture.pixels, icc_profile=profile) for picture in frames()]
    path = write(tmp_path / f"a{ending}", pictures)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == profile
        assert image.n_frames == len(DURATIONS)
    with open_animation(path) as animation:
        assert next(animation.frames())[0].icc_profile == profile


@pytest.mark.parametrize(
    ("ending", "durations", "expected"),
    [
        (".gif", [33, 33, 33, 33], [30, 40, 30, 30]),
        (".gif", [16, 16, 16, 16], [20, 20, 20, 20]),  # 10 ms would be shown as 100 ms
        (".gif", [0, 10, 700_000, 20], [0, 10, 655_350, 20]),
        (".webp", [33.4, 33.4, 33.4, 33.4], [33, 34, 33, 34]),
        (".apng", [1000 / 30] * 4, [1000 / 30] * 4),
        (".apng", [0, 1, 90_000_000, 20], [0, 1, 65_535_000, 20]),
    ],
)
def test_times_are_rounded_to_what_the_format_holds(ending, durations, expected, tmp_path):
    _, read, _ = read_by_pillow(write(tmp_path / f"a{ending}", frames(), durations))
    np.testing.assert_allclose(read, expected)


def test_frames_of_next_to_no_time_are_shown_for_a_tenth_of_a_second():
    assert [milliseconds_shown(time) for time in (0, 10, 11, 40.5)] == [100, 100, 11, 40.5]


def test_which_pictures_are_animated(tmp_path):
    image = Image.fromarray(frames()[0].pixels)
    for name in ("a.gif", "a.png", "a.jpg", "a.webp"):
        image.save(tmp_path / name)
        assert not is_animated(tmp_path / name)
    by_pillow(tmp_path / "pages.tif", [image, image])
    (tmp_path / "text.gif").write_text("no picture")
    assert not is_animated(tmp_path / "pages.tif")
    assert not is_animated(tmp_path / "text.gif")
    assert not is_animated(tmp_path / "missing.gif")
    for ending in ENDINGS:
        assert is_animated(write(tmp_path / f"moving{ending}", frames()))


def test_bad_animations_are_sentences(tmp_path):
    path = write(tmp_path / "a.apng", frames())
    (tmp_path / "half.apng").write_bytes(path.read_bytes()[:-250])
    with (
        pytest.raises(PictureError, match=r"half\.apng is damaged"),
        open_animation(tmp_path / "half.apng") as animation,
    ):
        list(animation.frames())
    with (
        pytest.raises(PictureError, match=r"claims 30x20 pixels.*--max_image_pixels=599"),
        open_animation(path, most_pixels=599),
    ):
        pass
    with pytest.raises(PictureError, match="does not exist"), open_animation(tmp_path / "b.gif"):
        pass


def test_sides_that_webp_cannot_hold():
    writer = animation_writer(pathlib.Path("a.webp"), io.BytesIO(), plays=FOREVER)
    with pytest.raises(PictureError, match="16384x1 is too large for this format"):
        writer.add(Picture(pixels=np.zeros((1, 16384, 3), np.uint8)), 20)
