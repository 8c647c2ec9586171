"""The classes of label maps: their names, and the colors or numbers that stand for them."""

import csv
import dataclasses
import io
import json
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.files.errors import EvaluationError

READY = ("cityscapes", "cityscapes_train_ids", "cityscapes_label_ids")
_FOLDER = pathlib.Path(__file__).parent / "class_lists"

_IGNORED = "(ignored)"  # ends the name of a class in a text file
_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_TEXT_LINE = re.compile(r"(#[0-9a-fA-F]{6}|\d+\s+\d+\s+\d+|\d+)\s+(.+)")
_LARGEST_NUMBER = 65535
_PIXELS = 2**16  # that are compared with all colors at a time


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelClass:
    """One line of a class list.

    Attributes:
        name: lines of one name are one class.
        color: red, green and blue from 0 to 255, or a single number.
        is_ignored: whether pixels of this class are not scored.
    """

    name: str
    color: tuple[int, ...]
    is_ignored: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassList:
    """The classes of label maps, in the order in which a segmentation network counts them.

    Attributes:
        source: the file, or what else messages call it.
        entries: the lines.

    Raises:
        EvaluationError: there are fewer than two classes to score, colors and numbers are mixed,
            one color stands for two classes, or a class is ignored in one line only.
    """

    source: str
    entries: tuple[LabelClass, ...]

    def __post_init__(self):
        if len(self.scored) < 2:
            raise EvaluationError(
                f"{self.source} lists {len(self.scored)} classes to score, expected at least two."
            )
        if len({len(entry.color) for entry in self.entries}) > 1:
            raise EvaluationError(
                f"{self.source} has classes of colors and classes of numbers, expected one of both."
            )
        by_color: dict[tuple[int, ...], LabelClass] = {}
        for entry in self.entries:
            other = by_color.setdefault(entry.color, entry)
            if other.name != entry.name:
                color = " ".join(str(level) for level in entry.color)
                raise EvaluationError(
                    f"{self.source}: {other.name!r} and {entry.name!r} are both {color}. Lines of "
                    "one name are one class; different classes need different colors."
                )
        both = {entry.name for entry in self.entries if entry.is_ignored} & set(self.scored)
        if both:
            raise EvaluationError(
                f"{self.source}: {sorted(both)[0]!r} is ignored in one line and scored in another."
            )

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the classes that are scored, each once."""
        return tuple(dict.fromkeys(each.name for each in self.entries if not each.is_ignored))

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names of all classes, ignored ones too, each once."""
        return tuple(dict.fromkeys(each.name for each in self.entries))

    @property
    def are_numbers(self) -> bool:
        """Whether label maps hold one number a pixel instead of a color."""
        return len(self.entries[0].color) == 1

    def to_text(self) -> str:
        """Returns the list as a text file that `read_class_list` reads."""
        lines = ["# number name" if self.are_numbers else "# red green blue name"]
        for entry in self.entries:
            color = " ".join(str(level) for level in entry.color)
            lines.append(f"{color} {entry.name}{' ' + _IGNORED if entry.is_ignored else ''}")
        return "\n".join(lines) + "\n"


def read_class_list(name: str) -> ClassList:
    """Returns a ready class list, or that of a file.

    Args:
        name: one of `READY`, or the path of a .txt, .csv or .json file. docs/evaluation.md shows
            what they hold.

    Raises:
        EvaluationError: the file cannot be read, or is no class list.
    """
    path = _FOLDER / f"{name}.txt" if name in READY else pathlib.Path(name).expanduser()
    parsers = {".txt": _of_text, ".csv": _of_csv, ".json": _of_json}
    parse = parsers.get(path.suffix.lower())
    if parse is None:
        raise EvaluationError(
            f"--segmentation_classes={name}: expected {', '.join(READY)}, palette, or a file that "
            "ends with .txt, .csv or .json."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise EvaluationError(
            f"--segmentation_classes={name} cannot be read: {error.strerror}."
        ) from error
    except UnicodeDecodeError as error:
        raise EvaluationError(f"--segmentation_classes={name} is no text in UTF-8.") from error
    return ClassList(source=name, entries=tuple(parse(text, name)))


def palette_list(colors: Sequence[tuple[int, int, int]]) -> ClassList:
    """Returns classes that are called after their colors, such as "#804080"."""
    entries = []
    for color in colors:
        entries.append(LabelClass(name="#{:02x}{:02x}{:02x}".format(*color), color=tuple(color)))
    return ClassList(source="the palette of the label maps", entries=tuple(entries))


# ---- label maps ----

IGNORED = -1  # a class that the list ignores
UNKNOWN = -2  # a color that the list does not have

# Euclidean distances between colors, in levels of 255.
NEAR = 40.0  # to the nearest color, of pixels that JPEG or resizing changed
EXACT = 10.0  # by which label maps are told from photos


def to_classes(numbers: np.ndarray, classes: ClassList, limit: float = NEAR) -> np.ndarray:
    """Returns the class of every pixel of a label map.

    Args:
        numbers: (height, width, 1 or 3), integers. Gray stands for three equal channels, and for
            a list of numbers three equal channels stand for gray.
        classes: their colors or numbers. Numbers must be met exactly; of colors the nearest is
            taken.
        limit: how far the nearest color may be.

    Returns:
        int16 (height, width): the position in `classes.scored`, `IGNORED` or `UNKNOWN`.
    """
    position = {name: index for index, name in enumerate(classes.scored)}
    targets = np.array([position.get(each.name, IGNORED) for each in classes.entries], np.int16)
    nearest, squared = _nearest(numbers, [entry.color for entry in classes.entries])
    largest = 0 if classes.are_numbers else limit**2
    return np.where(squared <= largest, targets[nearest], np.int16(UNKNOWN))


def to_nearest_classes(numbers: np.ndarray, classes: ClassList) -> np.ndarray:
    """Returns the scored class of the nearest color for every pixel, however far it is.

    Args:
        numbers: as for `to_classes`.
        classes: their colors or numbers.

    Returns:
        int16 (height, width): the position in `classes.scored`.
    """
    position = {name: index for index, name in enumerate(classes.scored)}
    entries = [entry for entry in classes.entries if not entry.is_ignored]
    targets = np.array([position[entry.name] for entry in entries], np.int16)
    nearest, _ = _nearest(numbers, [entry.color for entry in entries])
    return targets[nearest]


def unknown_colors(numbers: np.ndarray, labels: np.ndarray) -> dict[tuple[int, ...], int]:
    """Returns how many pixels have each color that the list does not know.

    Args:
        numbers: of a label map, (height, width, channels).
        labels: what `to_classes` made of it.
    """
    pixels = numbers[labels == UNKNOWN].astype(np.int64)
    packed = np.zeros(len(pixels), np.int64)
    for channel in pixels.T:
        packed = packed << 20 | np.clip(channel, 0, 2**20 - 1)
    _, first, counts = np.unique(packed, return_index=True, return_counts=True)
    colors = pixels[first].tolist()
    return {tuple(color): int(count) for color, count in zip(colors, counts, strict=True)}


def _nearest(
    numbers: np.ndarray, colors: Sequence[tuple[int, ...]]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which color is nearest to each pixel, and the square of its distance.

    Args:
        numbers: (height, width, 1 or 3).
        colors: as many channels each, or one for three equal ones.

    Returns:
        Integers and float64, (height, width) each; of equal distances the first color counts.
    """
    pixels = numbers.reshape(-1, numbers.shape[-1]).astype(np.float64)
    table = np.array(colors, np.float64)
    if pixels.shape[1] != table.shape[1]:
        channels = max(pixels.shape[1], table.shape[1])
        pixels = np.broadcast_to(pixels, (len(pixels), channels))
        table = np.broadcast_to(table, (len(table), channels))
    squares = np.square(table).sum(axis=1)
    nearest = np.empty(len(pixels), np.int64)
    squared = np.empty(len(pixels), np.float64)
    for start in range(0, len(pixels), _PIXELS):
        some = pixels[start : start + _PIXELS]
        # |x - c|^2 without |x|^2, which all colors share; exact, since all numbers are whole.
        rest = squares - 2 * (some @ table.T)
        chosen = rest.argmin(axis=1)
        nearest[start : start + _PIXELS] = chosen
        least = rest[np.arange(len(some)), chosen]
        squared[start : start + _PIXELS] = np.square(some).sum(axis=1) + least
    shape = numbers.shape[:2]
    return nearest.reshape(shape), squared.reshape(shape)


# ---- files ----


def _of_text(text: str, source: str) -> list[LabelClass]:
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        match = _TEXT_LINE.fullmatch(words)
        if match is None:
            if not words or words.startswith("#"):
                continue
            raise EvaluationError(
                f"{source}, line {number}: {words!r}; expected three levels from 0 to 255 and a "
                "name, as in '128 64 128 road', or a number and a name."
            )
        color, name = match.groups()
        is_ignored = name.endswith(_IGNORED)
        entries.append(
            LabelClass(
                name=name.removesuffix(_IGNORED).strip() or "ignored",
                color=_color(color, f"{source}, line {number}"),
                is_ignored=is_ignored,
            )
        )
    return entries


def _of_csv(text: str, source: str) -> list[LabelClass]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    headers = [(header or "").strip().lower() for header in reader.fieldnames or []]
    reader.fieldnames = headers
    channels = next(
        (
            names
            for names in (("r", "g", "b"), ("red", "green", "blue"))
            if set(names) <= {*headers}
        ),
        None,
    )
    single = next((name for name in ("color", "number", "id") if name in headers), None)
    if "name" not in headers or not (channels or single):
        raise EvaluationError(
            f"{source} begins with {', '.join(headers) or 'nothing'}; expected a first line with "
            "name and color, name and number, or name, r, g and b."
        )
    entries = []
    for row in reader:
        where = f"{source}, line {reader.line_num}"
        cells = {key: (cell or "").strip() for key, cell in row.items() if isinstance(cell, str)}
        if not any(cells.values()):
            continue
        color = " ".join(cells.get(each, "") for each in channels) if channels else cells[single]
        entries.append(
            LabelClass(
                name=_name(cells.get("name"), where),
                color=_color(color, where),
                is_ignored=cells.get("ignored", "").lower() in ("1", "true", "yes", "ignored"),
            )
        )
    return entries


def _of_json(text: str, source: str) -> list[LabelClass]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise EvaluationError(f"{source} is no JSON: {error}.") from error
    if isinstance(content, dict):
        content = content.get("classes")
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise EvaluationError(
            f'{source}: expected a list of objects such as {{"name": "road", "color": '
            "[128, 64, 128]}."
        )
    entries = []
    for index, each in enumerate(content):
        where = f"{source}, class {index}"
        color = each.get("color", each.get("number"))
        if isinstance(color, list):
            color = " ".join(str(level) for level in color)
        entries.append(
            LabelClass(
                name=_name(each.get("name"), where),
                color=_color(str(color), where),
                is_ignored=each.get("ignored") is True,
            )
        )
    return entries


def _name(name: object, where: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise EvaluationError(f"{where} has no name.")
    return name.strip()


def _color(text: str, where: str) -> tuple[int, ...]:
    """Returns the numbers of "#804080", "128 64 128" or "7"."""
    is_hex = _HEX.fullmatch(text)
    if is_hex:
        return tuple(int(level, 16) for level in is_hex.groups())
    words = text.replace(",", " ").split()
    largest = _LARGEST_NUMBER if len(words) == 1 else 255
    are_numbers = all(word.isascii() and word.isdigit() for word in words)
    if len(words) not in (1, 3) or not are_numbers or max(int(word) for word in words) > largest:
        raise EvaluationError(
            f"{where}: the color {text!r}; expected three levels from 0 to 255, #rrggbb, or one "
            "number."
        )
    return tuple(int(word) for word in words)
