"""The built-in demo set of scans: slices of bodies as two computed tomography scanners see them.

Nothing here was ever inside a scanner: chests and bellies are drawn, in Hounsfield units, of which
air has -1000 and water 0. A slice is a pure function of its number. Scanner 1 (A) is calibrated.
The numbers of scanner 2 (B) are off, as those of a cone beam are: air and lungs read too high, soft
tissue and bone too low, the middle of a body lower than its skin, and edges are enhanced.

Training slices of A and B show different bodies. The i-th test slices of A and B show one body on
both scanners, so that translations can be measured against the truth. They differ by 117 Hounsfield
units on average. Both scanners use all 12 bits: -1024 outside their field of view, and 3071 where
screws of metal saturate them.
"""

import dataclasses

import numpy as np

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.form import Form, to_rgb
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.reading import CURRENT
from cyclegan_keras.images.values import Values
from pipelines.sources.base import Source
from pipelines.sources.drawing import capsule, ellipse, paint
from pipelines.sources.drawn import DrawnPictures

NAMES = ("scans",)
SIZE = 64  # px, width and height
TRAIN_COUNT = 400
TEST_COUNT = 32

# Streams of bodies that do not repeat one another.
TRAIN_A = 0
TRAIN_B = 1
TEST = 2

# Hounsfield units: the 12 bits that scanners store, and tissues.
LOWEST = -1024
HIGHEST = 3071
AIR = -1000.0
TABLE = -600.0
METAL = 7000.0
LUNG = -840.0
FAT = -100.0
FLUID = 10.0
MUSCLE = 55.0
BLOOD = 45.0

# What scanner 2 shows (below) of what is there (above), in Hounsfield units; between them straight.
TRUE_VALUES = (-1024.0, -1000.0, -840.0, -100.0, 60.0, 300.0, 1500.0, 3071.0)
SHOWN_VALUES = (-890.0, -880.0, -710.0, -250.0, -110.0, 70.0, 900.0, 3300.0)
CUPPING = 90.0  # Hounsfield units that scanner 2 falls short by in the middle of a body
SHARPENING = 0.5  # share of what a blur takes away that scanner 2 adds
NOISE = 5.0  # Hounsfield units, standard deviation on both scanners
FIELD_OF_VIEW = 33.0  # px, radius; outside it both scanners store LOWEST


@dataclasses.dataclass(frozen=True, kw_only=True)
class Body:
    """What one slice shows; lengths are px, values Hounsfield units, angles radians."""

    is_chest: bool
    x: float  # of the middle
    y: float
    width: float  # half of it
    height: float  # half of it
    tilt: float
    waves: tuple[float, float]  # of the outline, as shares of its radius
    fat: float  # thickness under the skin
    wall: float  # thickness of muscles and ribs
    organ: float  # value of the heart or the liver
    second_organ: float  # value of the spleen and the kidneys
    vessels: float  # value of the aorta, with or without contrast medium
    organ_size: float  # factor
    bone: float  # value of the hardest bone
    marrow: float
    has_screws: bool  # of metal, in the spine
    rib_phase: float
    details: int  # seed of vessels, bowels and gas


class ScannedPictures(DrawnPictures):
    """One domain of a stream of bodies: int16 (SIZE, SIZE, 1) in Hounsfield units.

    Args:
        stream: which bodies.
        count: how many.
        scanner: which domain: 1 is A, 2 is B.
    """

    def __init__(self, stream: int, count: int, scanner: int):
        super().__init__(
            lambda index: scan(stream, index, scanner),
            names=[f"scan_{stream}_{index:03d}" for index in range(count)],
            header=Header(width=SIZE, height=SIZE, channels=1, dtype="int16"),
            drawing="scan 1",
            domain=scanner,
        )

    def __getitem__(self, index: int) -> np.ndarray:
        form = Form(channels=1, values=Values(dtype="int16", low=LOWEST, high=HIGHEST))
        return to_rgb(form.array(self.picture(index)))


def load(
    name: str,
    data_dir: str | None = None,
    paired: bool = False,
    reader_version: int = CURRENT,
) -> Source:
    """Returns the demo set `demo/<name>`.

    Args:
        name: one of NAMES.
        data_dir: not used, since nothing is stored.
        paired: not used: only test slices have counterparts.
        reader_version: not used, since no file is read.

    Raises:
        DataError: there is no such set.
    """
    if name not in NAMES:
        raise DataError(f"--dataset=demo/{name} is no set of scans: expected demo/scans.")
    return Source(
        name=f"demo/{name}",
        train_a=ScannedPictures(TRAIN_A, TRAIN_COUNT, scanner=1),
        train_b=ScannedPictures(TRAIN_B, TRAIN_COUNT, scanner=2),
        test_a=ScannedPictures(TEST, TEST_COUNT, scanner=1),
        test_b=ScannedPictures(TEST, TEST_COUNT, scanner=2),
        paired_test=True,
        crop_size=SIZE,
        domains=("scanner 1", "scanner 2"),
    )


def scan(stream: int, index: int, scanner: int) -> np.ndarray:
    """Returns slice number `index` of `stream` as a scanner stores it.

    Args:
        stream: which bodies.
        index: which of them.
        scanner: 1 or 2.

    Returns:
        int16 (SIZE, SIZE, 1) in Hounsfield units from LOWEST to HIGHEST.
    """
    body = make_body(stream, index)
    values = np.minimum(_blur(draw(body)), HIGHEST)
    if scanner == 2:
        values = on_scanner_2(values, depth(body))
    noise = np.random.default_rng((stream, index, scanner)).normal(0, NOISE, values.shape)
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    is_seen = np.hypot(row - SIZE / 2, column - SIZE / 2) < FIELD_OF_VIEW
    values = np.where(is_seen, np.rint(values + noise), LOWEST)
    return np.clip(values, LOWEST, HIGHEST).astype(np.int16)[..., None]


def on_scanner_2(values: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Returns what scanner 2 shows of a slice, before noise.

    Args:
        values: (height, width), true values in Hounsfield units.
        depths: (height, width), 0 outside the body and at its skin, 1 in its middle.

    Returns:
        (height, width) in Hounsfield units.
    """
    sharp = values + SHARPENING * (values - _blur(values))
    return np.interp(sharp, TRUE_VALUES, SHOWN_VALUES) - CUPPING * depths


def make_body(stream: int, index: int) -> Body:
    """Returns body number `index` of `stream`."""
    random = np.random.default_rng((stream, index))
    uniform = random.uniform
    is_chest = uniform(0, 1) < 0.5
    has_contrast = uniform(0, 1) < 0.4
    return Body(
        is_chest=is_chest,
        x=uniform(30.5, 33.5),
        y=uniform(28.5, 31.0),
        width=uniform(24.0, 29.0),
        height=uniform(17.0, 21.0),
        tilt=uniform(-0.06, 0.06),
        waves=(uniform(-0.03, 0.03), uniform(-0.02, 0.02)),
        fat=uniform(1.2, 3.6),
        wall=uniform(2.4, 3.4),
        organ=uniform(40, 110),
        second_organ=uniform(30, 60) + (110 if has_contrast else 0),
        vessels=uniform(160, 260) if has_contrast else BLOOD,
        organ_size=uniform(0.88, 1.12),
        bone=uniform(800, 1400),
        marrow=uniform(180, 350),
        has_screws=uniform(0, 1) < 0.1,
        rib_phase=uniform(0, 2 * np.pi),
        details=int(random.integers(2**32)),
    )


def depth(body: Body) -> np.ndarray:
    """Returns float64 (SIZE, SIZE): 0 outside the body and at its skin, 1 in its middle."""
    x, y = _from_middle(body)
    return np.clip(1 - _radius(body, x, y) ** 2, 0, 1)


def draw(body: Body) -> np.ndarray:
    """Draws a slice: float64 (SIZE, SIZE), true values in Hounsfield units."""
    x, y = _from_middle(body)
    skin = (_radius(body, x, y) - 1) * np.sqrt(body.width * body.height)  # px outside the body
    values = np.full((SIZE, SIZE), AIR)
    values = _table(values, x, y, body)
    values = paint(values, MUSCLE - 30, skin)
    values = paint(values, FAT, skin + 0.7)
    values = paint(values, MUSCLE, skin + body.fat)
    inside = skin + body.fat + body.wall  # px outside the cavity
    if body.is_chest:
        values = _chest(values, x, y, inside, body)
    else:
        values = _belly(values, x, y, inside, body)
    values = _ribs(values, x, y, inside, body)
    return _spine(values, x, y, body)


def _from_middle(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Returns px to the right of the body's middle and below it, in its own directions."""
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    right = column - body.x
    down = row - body.y
    cosine, sine = np.cos(body.tilt), np.sin(body.tilt)
    return cosine * right + sine * down, cosine * down - sine * right


def _radius(body: Body, x, y) -> np.ndarray:
    """Returns 0 in the middle of the body, 1 at its skin."""
    across = np.abs(x / body.width)
    along = np.abs(y / body.height)
    angle = np.arctan2(y / body.height, x / body.width)
    third, fourth = body.waves
    waves = 1 + third * np.sin(3 * angle) + fourth * np.cos(4 * angle)
    return (across**2.4 + along**2.4) ** (1 / 2.4) / waves


def _table(values, x, y, body: Body) -> np.ndarray:
    """The curved board below the body that it lies on."""
    middle = body.height + 3.0 - (x / 22) ** 2
    return paint(values, TABLE, np.maximum(np.abs(y - middle) - 1.5, np.abs(x) - 26))


def _chest(values, x, y, inside, body: Body) -> np.ndarray:
    """Two lungs with their vessels, the heart, the aorta and fat between them."""
    random = np.random.default_rng(body.details)
    width, height = body.width, body.height
    middle = ellipse(x - 0.03 * width, y, 0.24 * width, 0.95 * height)
    values = paint(values, FAT, np.maximum(inside, middle))
    lungs = np.maximum(inside, -middle)
    values = paint(values, LUNG, lungs)
    for _ in range(26):
        angle = random.uniform(0, 2 * np.pi)
        away = random.uniform(0.25, 0.75)
        at_x = away * width * np.cos(angle)
        at_y = away * height * np.sin(angle)
        end_x = at_x * random.uniform(1.0, 1.2)
        end_y = at_y * random.uniform(1.0, 1.2)
        radius = random.uniform(0.3, 1.0) * (1.1 - away)
        vessel = capsule(x, y, (at_x, at_y), (end_x, end_y), radius)
        values = paint(values, BLOOD, np.maximum(vessel, lungs + 0.5))
    size = body.organ_size
    heart_x = x - 0.16 * width
    heart_y = y + 0.18 * height
    heart = ellipse(heart_x, heart_y + 0.25 * heart_x, 0.36 * width * size, 0.38 * height * size)
    values = paint(values, body.organ, np.maximum(inside, heart))
    chamber = ellipse(heart_x - 2, heart_y, 0.17 * width * size, 0.2 * height * size)
    values = paint(values, body.vessels, np.maximum(inside, chamber))
    aorta = np.hypot(x - 0.12 * width, y - 0.36 * height) - 2.0 * size
    values = paint(values, body.vessels, aorta)
    windpipe = np.hypot(x + 0.04 * width, y - 0.27 * height) - 1.3
    values = paint(values, AIR, windpipe)
    breastbone = ellipse(x, y + height - body.fat - 2.0, 3.4, 1.2)
    return paint(values, body.marrow + 150, breastbone)


def _belly(values, x, y, inside, body: Body) -> np.ndarray:
    """The liver on the left of the picture, stomach, spleen, kidneys, bowels and the aorta."""
    random = np.random.default_rng(body.details)
    width, height = body.width, body.height
    size = body.organ_size
    values = paint(values, FAT, inside)
    for side in (-1, 1):  # muscles beside the spine
        muscle = ellipse(x - side * 0.25 * width, y - 0.62 * height, 0.17 * width, 0.2 * height)
        values = paint(values, MUSCLE, muscle)
    for _ in range(7):
        loop_x = x - random.uniform(-0.30, 0.45) * width
        loop_y = y - random.uniform(-0.50, 0.20) * height
        radius = random.uniform(2.0, 3.4)
        values = paint(values, MUSCLE - 15, np.maximum(inside, np.hypot(loop_x, loop_y) - radius))
        filling = AIR if random.uniform(0, 1) < 0.3 else FLUID
        loop = np.hypot(loop_x, loop_y) - (radius - 1.1)
        values = paint(values, filling, np.maximum(inside, loop))
    stomach_x = x - 0.34 * width
    stomach_y = y + 0.34 * height
    stomach = np.maximum(inside + 0.4, ellipse(stomach_x, stomach_y, 0.3 * width, 0.34 * height))
    values = paint(values, MUSCLE, stomach)
    values = paint(values, FLUID, stomach + 1.0)
    gas = np.maximum(stomach + 1.0, stomach_y + random.uniform(0.0, 0.25) * height)
    values = paint(values, AIR, gas)
    liver = ellipse(
        x + 0.47 * width,
        y + 0.08 * height + 0.25 * (x + 0.47 * width),
        0.48 * width * size,
        0.62 * height * size,
    )
    liver = np.maximum(inside + 0.3, liver)
    values = paint(values, body.organ, liver)
    for _ in range(3):
        at = (random.uniform(-0.6, -0.2) * width, random.uniform(-0.3, 0.25) * height)
        end = (at[0] + random.uniform(-4, 4), at[1] + random.uniform(-4, 4))
        vessel = capsule(x, y, at, end, 0.7)
        values = paint(values, body.organ + 0.4 * body.vessels - 30, np.maximum(liver + 1, vessel))
    spleen = ellipse(x - 0.74 * width, y - 0.18 * height, 0.16 * width * size, 0.34 * height)
    values = paint(values, body.second_organ, np.maximum(inside + 0.3, spleen))
    for side in (-1, 1):
        kidney_x = x - side * 0.44 * width
        kidney_y = y - 0.38 * height
        kidney = ellipse(kidney_x, kidney_y, 3.4 * size, 4.2 * size)
        values = paint(values, body.second_organ, np.maximum(inside, kidney))
        hollow = ellipse(kidney_x + side * 1.6, kidney_y, 1.3, 1.6)
        values = paint(values, FAT / 2, np.maximum(inside, hollow))
    aorta = np.hypot(x - 0.07 * width, y - 0.26 * height) - 1.8 * size
    values = paint(values, body.vessels, aorta)
    hollow_vein = np.hypot(x + 0.12 * width, y - 0.25 * height) - 1.7 * size
    return paint(values, BLOOD + 0.5 * (body.vessels - BLOOD), hollow_vein)


def _ribs(values, x, y, inside, body: Body) -> np.ndarray:
    """Pieces of ribs in the wall around the cavity, where the slice cuts them."""
    angle = np.arctan2(y / body.height, x / body.width)
    ring = np.abs(inside - 0.5 * body.wall) - 0.34 * body.wall
    count = 12 if body.is_chest else 9
    pieces = 0.35 - np.cos(count * angle + body.rib_phase)  # below 0 within a piece
    pieces = pieces * body.height / count
    front = -y - 0.72 * body.height  # no ribs in front
    ribs = np.maximum.reduce([ring, pieces, front])
    values = paint(values, 0.6 * body.bone, ribs)
    return paint(values, body.marrow, ribs + 0.9)


def _spine(values, x, y, body: Body) -> np.ndarray:
    """A vertebra: hard outside, marrow inside, an arch around the canal, and three processes."""
    below = y - 0.52 * body.height
    for end in ((0.0, 8.0), (-6.0, 6.0), (6.0, 6.0)):
        process = capsule(x, below, (0.0, 5.0), end, 1.0)
        values = paint(values, 0.8 * body.bone, process)
    arch = np.hypot(x, below - 4.6) - 2.8
    values = paint(values, body.bone, arch)
    values = paint(values, FLUID + 20, arch + 1.2)
    vertebra = ellipse(x, below, 4.4, 3.3)
    values = paint(values, body.bone, vertebra)
    values = paint(values, body.marrow, vertebra + 0.9)
    if body.has_screws:
        for side in (-1, 1):
            screw = capsule(x, below, (side * 1.5, -0.5), (side * 4.5, 6.0), 0.6)
            values = paint(values, METAL, screw)
    return values


def _blur(values) -> np.ndarray:
    """The mean of 3 x 3 pixels with weights 1, 2, 1; at the border its pixels are repeated."""
    around = np.pad(values, 1, mode="edge")
    rows = (around[:-2] + 2 * around[1:-1] + around[2:]) / 4
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
