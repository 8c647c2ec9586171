"""The built-in demo sets: brown ponies (A) and striped ones (B) on the same meadows.

Training pictures of A and B show different scenes in `ponies`, which is unpaired, and the same ones
in `pony_pairs`. The i-th test pictures of A and B show one scene in both sets, so that translations
can be measured against the truth. A picture is a pure function of its number. Backgrounds keep to a
narrow palette, so that coats are what differs.
"""

import dataclasses

import numpy as np

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources.base import Source
from pipelines.sources.drawing import capsule, ellipse, paint
from pipelines.sources.drawn import DrawnPictures

NAMES = ("ponies", "pony_pairs")
SIZE = 64  # px, width and height
TRAIN_COUNT = 400
TEST_COUNT = 32

# Streams of scenes that do not repeat one another.
TRAIN_A = 0
TRAIN_B = 1
TEST = 2

# Colors, as shares of red, green and blue.
BROWN = np.array([0.50, 0.30, 0.16])
DARK = np.array([0.13, 0.11, 0.12])
LIGHT = np.array([0.95, 0.94, 0.90])
SKY_TOP = np.array([0.45, 0.66, 0.90])
SKY_LOW = np.array([0.80, 0.89, 0.96])
MEADOW_FAR = np.array([0.55, 0.72, 0.38])
MEADOW_NEAR = np.array([0.30, 0.54, 0.22])

STRIPE = 12.0  # px from one dark stripe to the next

# px below the middle of the body
BELLY = 8.5
SOCKS = 13.5
HOOVES = 19.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """What one picture shows; x, y and horizon are shares of the picture's side."""

    x: float
    y: float
    size: float
    facing: int  # 1 right, -1 left
    horizon: float
    hills: float  # phase of their line
    light: float


def ponies(stream: int, count: int, *, striped: bool) -> DrawnPictures:
    """Returns one domain of a stream of scenes: B where they are striped, and else A."""
    return DrawnPictures(
        lambda index: draw(make_scene(stream, index), striped),
        names=[f"pony_{stream}_{index:03d}" for index in range(count)],
        header=Header(width=SIZE, height=SIZE),
        drawing="drawing 1",
        domain=striped,
    )


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
        paired: not used: which set has pairs depends on the name alone.
        reader_version: not used, since no file is read.

    Raises:
        DataError: there is no such set.
    """
    if name not in NAMES:
        known = ", ".join(f"demo/{known}" for known in NAMES)
        raise DataError(f"--dataset=demo/{name} is no demo set: expected one of {known}.")
    has_pairs = name == "pony_pairs"
    return Source(
        name=f"demo/{name}",
        train_a=ponies(TRAIN_A, TRAIN_COUNT, striped=False),
        train_b=ponies(TRAIN_A if has_pairs else TRAIN_B, TRAIN_COUNT, striped=True),
        test_a=ponies(TEST, TEST_COUNT, striped=False),
        test_b=ponies(TEST, TEST_COUNT, striped=True),
        paired_train=has_pairs,
        paired_test=True,
        crop_size=SIZE,
        domains=("brown ponies", "striped ponies"),
    )


def make_scene(stream: int, index: int) -> Scene:
    """Returns scene number `index` of `stream`."""
    uniform = np.random.default_rng((stream, index)).uniform
    return Scene(
        x=uniform(0.40, 0.60),
        y=uniform(0.56, 0.64),
        size=uniform(0.92, 1.08),
        facing=1 if uniform(0, 1) < 0.5 else -1,
        horizon=uniform(0.38, 0.48),
        hills=uniform(0, 2 * np.pi),
        light=uniform(0.94, 1.02),
    )


def draw(scene: Scene, striped: bool) -> np.ndarray:
    """Draws `scene` with a striped or a plain brown pony: uint8 (SIZE, SIZE, 3)."""
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    across = scene.facing * (column - scene.x * SIZE) / scene.size  # px from the body's middle
    down = (row - scene.y * SIZE) / scene.size
    body, legs = _pony(across, down)
    coat = _stripes(across, down, legs < 0, scene.size) if striped else BROWN
    shaded = coat * np.clip(1.0 - 0.012 * down, 0.75, 1.2)[..., None]
    image = paint(_background(scene, row, column), shaded, (body * scene.size)[..., None])
    return (np.clip(image * scene.light, 0, 1) * 255 + 0.5).astype(np.uint8)


def _background(scene: Scene, row, column) -> np.ndarray:
    height = (row / SIZE)[..., None]
    near = np.clip((height - scene.horizon) / (1 - scene.horizon), 0, 1)
    sky = SKY_TOP + (SKY_LOW - SKY_TOP) * np.clip(height / scene.horizon, 0, 1)
    meadow = MEADOW_FAR + (MEADOW_NEAR - MEADOW_FAR) * near
    edge = (scene.horizon + 0.02 * np.sin(column / 9 + scene.hills)) * SIZE
    return paint(sky, meadow, (edge - row)[..., None])


def _pony(across, down) -> tuple[np.ndarray, np.ndarray]:
    """Distances in px to the outline of the whole pony and of its legs; negative inside."""
    four_legs = [capsule(across, down, (x, 4), (x, HOOVES), 2.2) for x in (-12, -6, 7, 12)]
    legs = np.minimum.reduce(four_legs)
    torso = ellipse(across, down, 17.0, BELLY)
    neck = capsule(across, down, (12, -3), (19, -13), 4.0)
    head = capsule(across, down, (19, -13), (24, -10), 3.2)
    return np.minimum.reduce([torso, neck, head, legs]), legs


def _stripes(across, down, on_legs, size: float) -> np.ndarray:
    """Upright stripes on the body and dark socks on the legs; they move with the pony."""
    wave = np.cos(across * 2 * np.pi / STRIPE)
    socks = np.where(down > SOCKS, 1.0, -1.0)
    wave = np.where(on_legs & (down > BELLY), socks, wave)
    dark = np.clip(0.5 + 2.0 * wave * size, 0, 1)[..., None]
    return LIGHT + (DARK - LIGHT) * dark
