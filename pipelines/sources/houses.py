"""The built-in demo set of houses: label maps of fronts (A), and what they look like (B).

A label map has one flat color for each kind of surface, and each of its pixels is exactly one of
them. The picture beside it is of the same house: bricks, tiles, panes, slats, leaves and shadows
follow from the labels alone, so that a small generator learns to paint what somebody draws. Two
houses of one number are the same; those of training and of test never are.
"""

import dataclasses

import numpy as np

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources.base import Source
from pipelines.sources.drawing import ellipse
from pipelines.sources.drawn import DrawnPictures

NAMES = ("houses",)
SIZE = 64  # px, width and height
TRAIN_COUNT = 400
TEST_COUNT = 32
SAMPLES = 3  # a pixel of a picture is the mean of so many times so many points

# Streams of houses that do not repeat one another.
TRAIN = 0
TEST = 1

# What is drawn where, as levels of red, green and blue.
LABELS = {
    "sky": (120, 200, 255),
    "brick": (230, 80, 40),
    "plaster": (255, 220, 120),
    "stone": (235, 235, 235),
    "roof": (130, 20, 60),
    "window": (0, 60, 200),
    "shutter": (0, 160, 140),
    "wood": (120, 70, 0),
    "balcony": (150, 60, 220),
    "tree": (0, 110, 40),
    "grass": (140, 220, 60),
    "path": (140, 140, 140),
}

# Colors of pictures, as shares of red, green and blue.
SKY_TOP = np.array([0.36, 0.58, 0.88])
SKY_LOW = np.array([0.85, 0.92, 0.97])
BRICK = np.array([0.66, 0.30, 0.22])
MORTAR = np.array([0.80, 0.72, 0.64])
PLASTER = np.array([0.93, 0.84, 0.66])
STONE = np.array([0.80, 0.79, 0.76])
TILE = np.array([0.45, 0.20, 0.17])
FRAME = np.array([0.97, 0.96, 0.92])
GLASS_TOP = np.array([0.14, 0.20, 0.30])
GLASS_LOW = np.array([0.44, 0.60, 0.74])
SHUTTER = np.array([0.16, 0.42, 0.38])
WOOD = np.array([0.42, 0.25, 0.13])
BRASS = np.array([0.95, 0.80, 0.35])
IRON = np.array([0.13, 0.14, 0.17])
LEAVES = np.array([0.20, 0.43, 0.17])
GRASS = np.array([0.42, 0.62, 0.24])
PATH = np.array([0.62, 0.58, 0.53])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of surface; its borders are px from the picture's left and upper border.

    Attributes:
        label: one of LABELS.
        left, top, right, bottom: the box around it.
        shape: "box"; "gable", narrower above; or "round", an ellipse.
        ridge: the share of a gable's width that is left at its top.
    """

    label: str
    left: float
    top: float
    right: float
    bottom: float
    shape: str = "box"
    ridge: float = 0.0


def houses(stream: int, count: int, *, labels: bool) -> DrawnPictures:
    """Returns one domain of a stream of houses: A, their label maps, or B, what they look like."""
    draw = draw_labels if labels else draw_picture
    return DrawnPictures(
        lambda index: draw(make_house(stream, index)),
        names=[f"house_{stream}_{index:03d}" for index in range(count)],
        header=Header(width=SIZE, height=SIZE),
        drawing="house 1",
        domain=labels,
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
        paired: not used: all pictures have counterparts.
        reader_version: not used, since no file is read.

    Raises:
        DataError: there is no such set.
    """
    if name not in NAMES:
        raise DataError(f"--dataset=demo/{name} is no set of houses: expected demo/houses.")
    return Source(
        name=f"demo/{name}",
        train_a=houses(TRAIN, TRAIN_COUNT, labels=True),
        train_b=houses(TRAIN, TRAIN_COUNT, labels=False),
        test_a=houses(TEST, TEST_COUNT, labels=True),
        test_b=houses(TEST, TEST_COUNT, labels=False),
        paired_train=True,
        paired_test=True,
        crop_size=SIZE,
        domains=("label maps", "houses"),
    )


# ---- what a house is made of ----


def make_house(stream: int, index: int) -> list[Part]:
    """Returns the parts of house number `index` of `stream`, from the farthest to the nearest."""
    random = np.random.default_rng((stream, index))
    ground = int(random.integers(53, 59))
    parts = [
        Part(label="sky", left=0, top=0, right=SIZE, bottom=ground),
        Part(label="grass", left=0, top=ground, right=SIZE, bottom=SIZE),
    ]
    parts += _trees(random, ground, count=int(random.integers(0, 3)))
    storeys = int(random.integers(1, 4))
    columns = int(random.integers(2, 5))
    storey = int(random.integers(12, 15)) if storeys < 3 else int(random.integers(11, 13))
    width = int(np.clip(columns * random.integers(11, 15), 28, 56))
    left = int(np.clip((SIZE - width) // 2 + random.integers(-5, 6), 2, SIZE - 2 - width))
    right = left + width
    top = ground - storeys * storey - 1
    parts += _roof(random, left, right, top)
    wall = "brick" if random.uniform() < 0.5 else "plaster"
    parts.append(Part(label=wall, left=left, top=top, right=right, bottom=ground))
    if storeys > 1 and random.uniform() < 0.5:  # another wall at the street
        other = "stone" if random.uniform() < 0.5 else "brick"
        parts.append(Part(label=other, left=left, top=ground - storey, right=right, bottom=ground))
    if random.uniform() < 0.6:  # a cornice
        parts.append(Part(label="stone", left=left - 1, top=top, right=right + 1, bottom=top + 2))
    parts += _openings(random, left, right, ground, storeys, columns, storey)
    if random.uniform() < 0.5:
        parts += _bushes(random, left, right, ground)
    return parts


def _trees(random, ground: int, count: int) -> list[Part]:
    """Returns trees at the picture's sides, most of each beside the house."""
    parts = []
    for side in random.permutation([0, 1])[:count]:
        middle = random.uniform(1, 9) if side == 0 else SIZE - random.uniform(1, 9)
        radius = random.uniform(6, 11)
        height = random.uniform(18, 38)
        parts += [
            Part(label="wood", left=middle - 1, top=ground - 14, right=middle + 1, bottom=ground),
            Part(
                label="tree",
                left=middle - radius,
                top=ground - height,
                right=middle + radius,
                bottom=ground - random.uniform(4, 9),
                shape="round",
            ),
        ]
    return parts


def _roof(random, left: int, right: int, top: int) -> list[Part]:
    """Returns chimneys and a roof that ends at `top`."""
    height = int(np.clip(random.integers(6, 15), 3, max(3, top - 2)))
    width = right - left
    parts = []
    for _ in range(int(random.integers(0, 3))):
        middle = left + width * random.uniform(0.2, 0.8)
        parts.append(
            Part(
                label="brick",
                left=round(middle) - 2,
                top=max(0, top - height - int(random.integers(-2, 4))),
                right=round(middle) + 2,
                bottom=top,
            )
        )
    parts.append(
        Part(
            label="roof",
            left=left - 2,
            top=top - height,
            right=right + 2,
            bottom=top,
            shape="gable",
            ridge=float(random.choice([0.0, 0.4, 0.7, 0.9])),
        )
    )
    return parts


def _openings(random, left, right, ground, storeys, columns, storey) -> list[Part]:
    """Returns windows with what belongs to them, and a door with its path."""
    parts = []
    pitch = (right - left) / columns
    door_column = int(random.integers(columns))
    has_shutters = pitch > 11 and random.uniform() < 0.5
    has_sills = random.uniform() < 0.5
    window_width = int(random.integers(5, 7)) if has_shutters else int(random.integers(5, 9))
    window_width = min(window_width, int(pitch) - 4)
    window_height = int(random.integers(6, storey - 3))
    balconies = random.uniform() < 0.4
    for floor in range(storeys):
        top = ground - (floor + 1) * storey + 3
        for column in range(columns):
            middle = left + (column + 0.5) * pitch
            start = round(middle - window_width / 2)
            end = start + window_width
            bottom = top + window_height
            if floor == 0 and column == door_column:
                parts += _door(random, round(middle), ground, storey)
                continue
            if random.uniform() < 0.06:  # a blind wall
                continue
            parts.append(Part(label="window", left=start, top=top, right=end, bottom=bottom))
            if has_shutters:
                for edge in (start - 3, end):
                    parts.append(
                        Part(label="shutter", left=edge, top=top, right=edge + 3, bottom=bottom)
                    )
            if floor > 0 and balconies and random.uniform() < 0.7:
                parts.append(
                    Part(
                        label="balcony",
                        left=start - 2,
                        top=bottom - 3,
                        right=end + 2,
                        bottom=bottom + 2,
                    )
                )
            elif has_sills:
                parts.append(
                    Part(
                        label="stone", left=start - 1, top=bottom, right=end + 1, bottom=bottom + 1
                    )
                )
    return parts


def _door(random, middle: int, ground: int, storey: int) -> list[Part]:
    half = int(random.integers(3, 5))
    height = int(random.integers(8, storey - 1))
    frame = Part(
        label="stone",
        left=middle - half - 1,
        top=ground - height - 1,
        right=middle + half + 1,
        bottom=ground,
    )
    door = Part(
        label="wood", left=middle - half, top=ground - height, right=middle + half, bottom=ground
    )
    path = Part(
        label="path", left=middle - half - 1, top=ground, right=middle + half + 1, bottom=SIZE
    )
    return [path, frame, door] if random.uniform() < 0.5 else [path, door]


def _bushes(random, left: int, right: int, ground: int) -> list[Part]:
    parts = []
    for _ in range(int(random.integers(1, 4))):
        middle = random.uniform(left - 4, right + 4)
        radius = random.uniform(3, 6)
        parts.append(
            Part(
                label="tree",
                left=middle - radius,
                top=ground - random.uniform(3, 7),
                right=middle + radius,
                bottom=ground + 3,
                shape="round",
            )
        )
    return parts


# ---- what it looks like ----


def draw_labels(parts: list[Part]) -> np.ndarray:
    """Draws a label map: uint8 (SIZE, SIZE, 3), each pixel one of LABELS."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    for part in parts:
        image[_inside(part, x, y)] = LABELS[part.label]
    return image


def draw_picture(parts: list[Part]) -> np.ndarray:
    """Draws the house that a label map means: uint8 (SIZE, SIZE, 3)."""
    points = SIZE * SAMPLES
    y, x = (np.mgrid[:points, :points] + 0.5) / SAMPLES
    image = np.zeros((points, points, 3))
    for part in parts:
        inside = _inside(part, x, y)
        image[inside] = SURFACES[part.label](x[inside], y[inside], part)
    pixels = image.reshape(SIZE, SAMPLES, SIZE, SAMPLES, 3).mean(axis=(1, 3))
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)


def _inside(part: Part, x, y) -> np.ndarray:
    middle = (part.left + part.right) / 2
    half = (part.right - part.left) / 2
    if part.shape == "round":
        height = (part.bottom - part.top) / 2
        return ellipse(x - middle, y - part.top - height, half, height) < 0
    inside = (x >= part.left) & (x < part.right) & (y >= part.top) & (y < part.bottom)
    if part.shape == "gable":
        down = (y - part.top) / (part.bottom - part.top)
        inside &= np.abs(x - middle) <= half * (part.ridge + (1 - part.ridge) * down)
    return inside


def _between(start, end, share) -> np.ndarray:
    """Mixes two colors: (points, 3) for shares (points,) from 0, `start`, to 1, `end`."""
    return start + (end - start) * np.clip(share, 0, 1)[:, None]


def _lit(color, light) -> np.ndarray:
    """Returns a color under a light: (points, 3) for factors (points,)."""
    return np.broadcast_to(color, (len(light), 3)) * light[:, None]


def _under_eaves(y, part: Part) -> np.ndarray:
    """Returns the light of a wall: a roof or a cornice throws a shadow on its upper border."""
    return np.where(y - part.top < 3, 0.78, 1.0)


def _sky(x, y, part):
    return _between(SKY_TOP, SKY_LOW, y / 50)


def _brick(x, y, part):
    # Courses of 4 px, each shifted by half a brick of 8 px against the one below.
    course = np.floor(y / 4)
    is_mortar = (y % 4 < 0.9) | ((x + 4 * (course % 2)) % 8 < 0.9)
    color = np.where(is_mortar[:, None], MORTAR, BRICK)
    return color * _under_eaves(y, part)[:, None]


def _plaster(x, y, part):
    grain = 1 + 0.03 * np.sin(2.1 * x) * np.sin(1.7 * y)
    return _lit(PLASTER, grain * _under_eaves(y, part))


def _stone(x, y, part):
    joint = (y % 4 < 0.7) | ((x + 4 * (np.floor(y / 4) % 2)) % 8 < 0.7)
    edge = np.where(y - part.top < 1, 1.12, 1.0)
    return _lit(STONE, np.where(joint, 0.88, 1.0) * edge)


def _roof_tiles(x, y, part):
    # Rows of 4 px, light at the upper end of each tile and dark where the next row begins.
    row = np.floor(y / 4)
    along = ((x + 2 * (row % 2)) % 4) / 4
    curve = 1 - 0.35 * (2 * along - 1) ** 2
    return _lit(TILE, curve * (1.45 - 0.75 * (y % 4) / 4))


def _window(x, y, part):
    across = np.minimum(x - part.left, part.right - x)
    down = np.minimum(y - part.top, part.bottom - y)
    width = part.right - part.left
    height = part.bottom - part.top
    middle = np.abs(x - (part.left + part.right) / 2)
    glass = _between(GLASS_TOP, GLASS_LOW, (y - part.top) / height)
    is_frame = (across < 0.7) | (down < 0.7)
    if height >= 7:
        is_frame |= np.abs(y - part.top - 0.4 * height) < 0.25
    if width >= 6:
        is_frame |= middle < 0.25
    return np.where(is_frame[:, None], FRAME, glass)


def _shutter(x, y, part):
    slat = 0.75 + 0.5 * ((y % 2) < 1.2)
    edge = np.minimum(x - part.left, part.right - x) < 0.5
    return _lit(SHUTTER, np.where(edge, 0.7, slat))


def _wood(x, y, part):
    width = part.right - part.left
    height = part.bottom - part.top
    if width < 4:  # a trunk
        return _lit(WOOD, 0.75 + 0.3 * np.sin(3 * x + y) ** 2)
    across = (x - part.left) / width
    down = (y - part.top) / height
    in_panel = (np.abs(np.abs(across - 0.5) - 0.22) < 0.13) & (np.abs(down - 0.72) < 0.2)
    in_pane = (np.abs(across - 0.5) < 0.34) & (np.abs(down - 0.25) < 0.14)
    color = _lit(WOOD, np.where(in_panel, 0.72, 1.1))
    color = np.where(in_pane[:, None], GLASS_LOW, color)
    is_knob = np.hypot(x - part.left - 0.84 * width, y - part.top - 0.56 * height) < 0.8
    return np.where(is_knob[:, None], BRASS, color)


def _balcony(x, y, part):
    is_iron = (y - part.top < 1) | (part.bottom - y < 1.2) | (x % 2 < 0.8)
    return np.where(is_iron[:, None], IRON, STONE * 0.82)


def _leaves(x, y, part):
    spots = np.sin(1.9 * x + 0.7 * np.sin(1.3 * y)) * np.sin(1.7 * y + 0.9 * np.sin(1.1 * x))
    down = (y - part.top) / (part.bottom - part.top)
    return _lit(LEAVES, 1.35 - 0.65 * down + 0.3 * spots)


def _grass_blades(x, y, part):
    blades = np.sin(2.6 * x + 1.1 * np.sin(1.9 * y))
    return _lit(GRASS, 0.85 + 0.03 * (y - 53) + 0.12 * blades)


def _path_slabs(x, y, part):
    joint = (y % 4 < 0.8) | ((x + 2 * (np.floor(y / 4) % 2)) % 4 < 0.8)
    return _lit(PATH, np.where(joint, 0.75, 1.1))


# Label -> the color of points (x, y) of a part: each (points,), in px; (points, 3).
SURFACES = {
    "sky": _sky,
    "brick": _brick,
    "plaster": _plaster,
    "stone": _stone,
    "roof": _roof_tiles,
    "window": _window,
    "shutter": _shutter,
    "wood": _wood,
    "balcony": _balcony,
    "tree": _leaves,
    "grass": _grass_blades,
    "path": _path_slabs,
}
