"""What can be drawn is found in training pictures: made ones, JPEG files and photos."""

import io
import pathlib
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.web.palette import LabelMaps, Lines, find_drawing, find_drawings
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError

DATA = pathlib.Path(__file__).parents[4] / "shared" / "data"
COLORS = ((10, 20, 200), (250, 120, 0), (90, 200, 60), (240, 240, 240), (30, 30, 30))


def label_map(seed, size=96):
    """Boxes in COLORS on the first of them: uint8 (size, size, 3)."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (size, size), COLORS[0])
    draw = ImageDraw.Draw(image)
    for color in (*COLORS, *COLORS):
        x, y = random.integers(0, size - 30, 2)
        draw.rectangle((int(x), int(y), int(x) + 25, int(y) + 20), fill=color)
    return np.asarray(image)


def edges(seed, paper="white", ink="black", size=96):
    """Smooth lines: uint8 (size, size, 3)."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (4 * size, 4 * size), paper)
    for _ in range(8):
        ends = [int(end) for end in random.integers(0, 4 * size, 4)]
        ImageDraw.Draw(image).line(ends, fill=ink, width=12)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def photo(seed, size=96):
    """Slopes of light with grain: uint8 (size, size, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    slopes = random.uniform(-120, 120, (3, 2)) @ np.stack([x.ravel(), y.ravel()])
    grain = random.normal(0, 2, (3, size * size))
    return (128 + slopes + grain).T.reshape(size, size, 3).clip(0, 255).astype(np.uint8)


def as_jpeg(picture, quality=90):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def nearly(palette, expected):
    distances = np.abs(np.array(palette)[:, None] - np.array(expected)[None]).max(axis=-1)
    return len(palette) == len(expected) and distances.min(axis=1).max() <= 3


def test_label_maps_have_exactly_their_colors():
    drawing = find_drawing([label_map(seed) for seed in range(4)])
    assert isinstance(drawing, LabelMaps)
    assert sorted(drawing.colors) == sorted(COLORS)
    pixels = np.concatenate([label_map(seed).reshape(-1, 3) for seed in range(4)])
    counts = [(pixels == color).all(axis=1).sum() for color in drawing.colors]
    assert counts == sorted(counts, reverse=True)
    assert drawing.to_dict()["background"] == drawing.to_dict()["colors"][0] == "#0a14c8"


def test_label_maps_of_jpeg_files_and_resized_ones():
    for change in (
        as_jpeg,
        lambda picture: as_jpeg(picture, quality=75),
        lambda picture: np.asarray(Image.fromarray(picture).resize((70, 70))),
    ):
        drawing = find_drawing([change(label_map(seed)) for seed in range(4)])
        assert isinstance(drawing, LabelMaps)
        assert nearly(drawing.colors, COLORS)


def test_a_mask_of_two_colors_is_a_label_map():
    masks = [np.where(label_map(seed)[..., :1] > 100, 255, 0).astype(np.uint8) for seed in (0, 1)]
    assert find_drawing(masks) == LabelMaps(colors=((0, 0, 0), (255, 255, 255)))


@pytest.mark.parametrize(("paper", "ink"), [("white", "black"), ("#103a80", "#f0f0f0")])
def test_lines(paper, ink):
    drawing = find_drawing([edges(seed, paper, ink) for seed in range(3)])
    assert drawing == Lines(paper=color(paper), ink=color(ink))
    noisy = find_drawing([as_jpeg(edges(seed, paper, ink)) for seed in range(3)])
    assert isinstance(noisy, Lines)
    assert nearly([noisy.paper], [color(paper)])


def color(name):
    return Image.new("RGB", (1, 1), name).getpixel((0, 0))


def test_lines_of_one_channel():
    gray = [edges(seed)[..., :1] for seed in range(2)]
    assert find_drawing(gray).to_dict() == {"kind": "lines", "paper": "#ffffff", "ink": "#000000"}


@pytest.mark.parametrize(
    "pictures",
    [
        [photo(seed) for seed in range(4)],
        [as_jpeg(photo(seed)) for seed in range(4)],
        [np.full((16, 16, 3), 7, np.uint8)],
        [label_map(0).astype(np.float32) / 127.5 - 1],
        [np.zeros((8, 8, 4), np.uint8)],
        [np.zeros((2, 2, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)],
        [],
    ],
    ids=["photos", "JPEG photos", "one color", "floats", "four channels", "tiny", "none"],
)
def test_what_cannot_be_drawn(pictures):
    # The tiny ones are of two colors, so they may be label maps; nothing fails on them.
    assert find_drawing(pictures) is None or min(pictures[0].shape[:2]) < 3


# ---- the choice ----


def drawings(pictures, *, choice="auto", method="pix2pix", run="runs/x", folder=None):
    return find_drawings(
        ExportOptions(web_drawing=choice, pictures=folder),
        source={"run": run, "options": {"method": method}} if run else {"model": "x.keras"},
        calibration=pictures,
    )


A_TO_B = Direction.A_TO_B
B_TO_A = Direction.B_TO_A
MAPS = [label_map(seed) for seed in range(2)]
PHOTOS = [photo(seed) for seed in range(2)]


def test_only_paired_methods_draw_by_themselves():
    assert drawings({A_TO_B: MAPS})[A_TO_B]["kind"] == "labels"
    assert drawings({A_TO_B: MAPS}, method="cyclegan") == {A_TO_B: None}
    assert drawings({A_TO_B: MAPS}, run=None) == {A_TO_B: None}
    assert drawings({A_TO_B: MAPS}, choice="off") == {A_TO_B: None}
    assert drawings({A_TO_B: PHOTOS}) == {A_TO_B: None}


def test_a_choice_goes_to_the_directions_it_fits():
    both = {A_TO_B: PHOTOS, B_TO_A: MAPS}
    found = drawings(both, choice="labels", method="cyclegan")
    assert found[A_TO_B] is None
    assert len(found[B_TO_A]["colors"]) == len(COLORS)
    white = {"kind": "lines", "paper": "#ffffff", "ink": "#000000"}
    assert drawings({A_TO_B: MAPS}, choice="lines") == {A_TO_B: white}
    assert drawings({A_TO_B: PHOTOS}, choice="lines", run=None) == {A_TO_B: white}


def test_labels_by_choice():
    forced = drawings({A_TO_B: [as_jpeg(each) for each in PHOTOS]}, choice="labels")
    assert 2 <= len(forced[A_TO_B]["colors"]) <= 24
    given = drawings({A_TO_B: MAPS}, choice="labels", run=None, folder="maps")
    assert len(given[A_TO_B]["colors"]) == len(COLORS)
    with pytest.raises(ExportError, match=r"needs the colors of the label maps.*--pictures"):
        drawings({A_TO_B: MAPS}, choice="labels", run=None)
    noise = [np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)]
    with pytest.raises(ExportError, match=r"pictures of A have no flat colors.*8 bits"):
        drawings({A_TO_B: noise}, choice="labels")


# ---- real pictures ----


@pytest.fixture(scope="module")
def facades():
    """Twelve pairs, as an export takes them: (photos, label maps)."""
    archive = DATA / "facades.zip"
    if not archive.is_file():
        pytest.skip(f"needs {archive.name} in shared/data")
    with zipfile.ZipFile(archive) as files:
        names = sorted(name for name in files.namelist() if name.startswith("facades/train/"))
        names = [name for name in names if name.endswith(".jpg")]
        chosen = [names[int(index)] for index in np.linspace(0, len(names) - 1, 12)]
        pairs = [np.asarray(Image.open(io.BytesIO(files.read(name)))) for name in chosen]
    return [pair[:, :256] for pair in pairs], [pair[:, 256:] for pair in pairs]


@pytest.mark.release
@pytest.mark.slow
def test_facades(facades):
    photos, maps = facades
    assert find_drawing(photos) is None
    colors = np.array(find_drawing(maps).colors)
    assert 11 <= len(colors) <= 12  # the CMP base knows twelve kinds, some of them rare
    # All but the pixels at borders, which JPEG mixes, are near one of them.
    distance = np.abs(np.stack(maps)[..., None, :].astype(np.int16) - colors).max(axis=-1)
    assert (distance.min(axis=-1) <= 24).mean() > 0.75
