"""The page of a check: every finding with pictures, in one HTML file that fetches nothing."""

import dataclasses
import json
import os
import pathlib
import re
import shlex
from collections.abc import Mapping, Sequence

import numpy as np

from cyclegan_keras.data_doctor.checking import Check
from cyclegan_keras.data_doctor.findings import Finding, Group
from cyclegan_keras.data_doctor.lists import write_lists
from cyclegan_keras.data_doctor.sets import Place
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import OptionError, PictureError
from cyclegan_keras.files.names import printable
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.pages.pictures import to_data_uri
from cyclegan_keras.pages.template import policy_source, template

FOLDER = pathlib.Path(__file__).parent
STYLES = [FOLDER.parent / "pages" / "base.css", FOLDER / "page.css"]
THUMBNAIL = 192  # px of the longer side
MOST_IN_A_GROUP = 4  # pictures of a group that are shown
MARK = '<meta name="generator" content="check_data.py">'  # of pages that may be replaced
FLAG = r"(--\w[\w=,./-]*\w)"
MOST_NAMES = 500  # in a folded list; the list file and the JSON have all


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture on the page.

    Attributes:
        name: what it is called.
        uri: the picture, as a data: address; "" where it cannot be read.
        width: that it is shown with, in px.
        height: likewise.
        is_crisp: whether it is enlarged, with pixels as squares.
    """

    name: str
    uri: str
    width: int = 0
    height: int = 0
    is_crisp: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """Pictures beside each other.

    Attributes:
        pictures: of one group.
        words: what is said of them.
        more: how many of the group are not shown.
    """

    pictures: Sequence[Shown]
    words: str
    more: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A finding on the page.

    Attributes:
        finding: itself.
        sentence: that of the finding, without its title, which is the heading.
        advice: that of the finding, in parts: every second one is a flag.
        cards: its examples.
        names: of all its pictures, a line for each group, up to `MOST_NAMES`.
        unnamed: how many groups have no line.
        list_name: the file that lists what can be removed; "" where there is none.
        command: that moves the files of that list into an archive.
    """

    finding: Finding
    sentence: str
    advice: Sequence[str]
    cards: Sequence[Card]
    names: Sequence[str]
    unnamed: int
    list_name: str
    command: str


def refuse_other_files(path: pathlib.Path) -> None:
    """Raises OptionError where a page, or its JSON, would replace a file that no check wrote.

    Args:
        path: the HTML file that is to be written.
    """
    others = []
    if path.exists() and not _is_own_page(path):
        others.append(path)
    json_file = path.with_suffix(".json")
    if json_file.exists() and not _is_own_json(json_file):
        others.append(json_file)
    if others:
        raise OptionError(
            f"--report={path} would replace {' and '.join(str(other) for other in others)}, not "
            "written by this command: give another name, or move that away."
        )


def _is_own_page(path: pathlib.Path) -> bool:
    try:
        return MARK in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _is_own_json(path: pathlib.Path) -> bool:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"dataset", "sets", "findings"} <= found.keys()


def write_page(
    path: str | os.PathLike, check: Check, *, examples: int = 12
) -> dict[str, pathlib.Path]:
    """Writes the page, and beside it the same as JSON and lists of files that can be removed.

    Args:
        path: the HTML file; its folder exists.
        check: what was found.
        examples: groups of pictures that are shown of each finding.

    Returns:
        kind of finding -> its list.

    Raises:
        WriteError: a file cannot be written.
    """
    path = pathlib.Path(path)
    lists = write_lists(path, check.seen, list(check.findings))
    with atomic_write(path.with_suffix(".json")) as temporary:
        found = check.to_dict()
        found["lists"] = {kind: printable(file.name) for kind, file in lists.items()}
        temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    page = render(check, examples=examples, lists=lists)
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return lists


def render(check: Check, *, examples: int, lists: Mapping[str, pathlib.Path]) -> str:
    """Returns the page as HTML.

    Args:
        check: what was found.
        examples: as of `write_page`.
        lists: kind of finding -> the file that lists what can be removed.
    """
    style = "\n".join(file.read_text(encoding="utf-8") for file in STYLES)
    policy = (
        f"default-src 'none'; img-src data:; style-src {policy_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    rows = []
    for name, each in check.seen.sets.items():
        rows.append(
            (
                name,
                f"{len(each):,}",
                f"{check.seen.opened(name):,}",
                f"{check.seen.decoded(name):,}",
            )
        )
    return template(FOLDER / "page.html.jinja").render(
        mark=MARK,
        policy=policy,
        style=style,
        dataset=printable(check.dataset),
        headline=check.headline,
        mode=check.mode,
        seconds=f"{check.seconds:.1f} s",
        was_stopped=check.was_stopped,
        rows=rows,
        left_out=[printable(sentence) for sentence in check.left_out],
        sections=[
            _section(check, finding, examples, lists.get(finding.kind))
            for finding in check.findings
        ],
        thumbnail=THUMBNAIL,
    )


def _section(
    check: Check, finding: Finding, examples: int, list_file: pathlib.Path | None
) -> Section:
    names = []
    for group in finding.groups[:MOST_NAMES]:
        line = " = ".join(printable(check.name_of(place)) for place in group.places)
        names.append(f"{line} ({printable(group.words)})" if group.words else line)
    command = ""
    if list_file is not None:
        name = shlex.quote(printable(list_file.name))
        # One archive for all lists: pictures keep their folders in it, so that those of equal
        # names do not replace each other and all can be put back.
        command = f"tar -rf set_aside.tar --remove-files --no-unquote -T {name}"
    return Section(
        finding=finding,
        sentence=printable(finding.sentence.removeprefix(finding.title).lstrip(":. ")),
        advice=re.split(FLAG, printable(finding.advice)),
        cards=[_card(check, group) for group in finding.groups[:examples]],
        names=names,
        unnamed=max(0, len(finding.groups) - MOST_NAMES),
        list_name="" if list_file is None else printable(list_file.name),
        command=command,
    )


def _card(check: Check, group: Group) -> Card:
    return Card(
        pictures=[_shown(check, place) for place in group.places[:MOST_IN_A_GROUP]],
        words=printable(group.words),
        more=max(0, len(group.places) - MOST_IN_A_GROUP),
    )


def _shown(check: Check, place: Place) -> Shown:
    name = printable(check.name_of(place))
    try:
        picture = check.seen.sets[place.set_name].pictures.picture(place.number)
    except PictureError:
        return Shown(name=name, uri="")
    height, width = picture.pixels.shape[:2]
    longer = max(width, height)
    scale = THUMBNAIL / longer if longer > THUMBNAIL else THUMBNAIL // longer
    return Shown(
        name=name,
        uri=to_data_uri(as_rgb(picture), THUMBNAIL),
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        is_crisp=scale > 1,
    )


def as_rgb(picture: Picture) -> np.ndarray:
    """Returns a picture of any form as uint8 (height, width, 3), for the eye.

    Other numbers than those of 8 bits are shown from their 1st to their 99th percentile. Of more
    than three channels the first three are shown, of two the first one.
    """
    pixels = picture.over_white().pixels
    pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., :1]
    if pixels.dtype != np.uint8:
        low, high = np.percentile(pixels, [1, 99])
        share = (pixels.astype(np.float64) - low) / max(high - low, 1e-30)
        pixels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
