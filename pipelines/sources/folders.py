"""A folder of pictures: `trainA` and `trainB`, or `train` with A and B side by side."""

import pathlib
from typing import NamedTuple

from absl import logging

from cyclegan_keras.files.errors import DataError, first_few
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources.base import Source, domains_of
from pipelines.sources.files import FilePictures, HalfPictures, ListedPictures

LISTED = 6  # entries of a folder in one message


def load(folder: str, paired: bool = False, reader_version: int = CURRENT) -> Source:
    """Opens a folder in one of two layouts, that of the CycleGAN data sets or that of pix2pix.

    `trainA`, `trainB` and, optionally, `testA` and `testB`: pictures of two domains, which are
    matched by their names only where pairs are needed. Or `train` and, optionally, `test` or else
    `val`: pictures with A on the left and B on the right, always pairs.

    Args:
        folder: where it is.
        paired: whether pairs are needed.
        reader_version: of the rules by which pictures are found and read.

    Raises:
        DataError: the folder has neither layout, holds no pictures, or pairs are needed and names
            of A and B differ.
    """
    root = pathlib.Path(folder)
    if (root / "trainA").is_dir() and (root / "trainB").is_dir():
        return _domains_apart(root, folder, paired, reader_version)
    if (root / "train").is_dir() and not _has_a_and_b(root / "train"):
        return _side_by_side(root, folder, reader_version)
    raise DataError(_no_known_layout(root))


class Partners(NamedTuple):
    """The pictures of two folders, pair by pair.

    Attributes:
        a: all of A.
        b: all of B, in the order of A.
        names: what both sides of each pair are called, with sub-folder and without ending.
    """

    a: ListedPictures
    b: ListedPictures
    names: list[str]


def partners(a: FilePictures, b: FilePictures) -> Partners:
    """Matches the pictures of two folders by sub-folder and name, whatever the ending.

    Where every name of A ends with _A and every name of B with _B, these two letters do not count.
    A and B may then lie in one folder, and the others in it are passed over.

    Args:
        a: all pictures of one folder.
        b: all pictures of the other.

    Raises:
        DataError: a picture has no partner or several.
    """
    share_folder = a.folder.resolve() == b.folder.resolve()
    by_name_a = _by_name(a, letter="_A", other="_B" if share_folder else None)
    by_name_b = _by_name(b, letter="_B", other="_A" if share_folder else None)
    if not (by_name_a and by_name_b):
        by_name_a = _by_name(a)
        by_name_b = _by_name(b)
    alone = [a.names[index] for name, index in by_name_a.items() if name not in by_name_b]
    alone += [b.names[index] for name, index in by_name_b.items() if name not in by_name_a]
    if alone:
        raise DataError(
            f"{a.folder} with {len(by_name_a)} and {b.folder} with {len(by_name_b)} pictures are "
            f"no pairs: {first_few(alone)} without a partner. Both sides of a pair need one name, "
            "whatever the ending, or one name before _A and _B: rename or remove these."
        )
    return Partners(
        a=_chosen(a, list(by_name_a.values())),
        b=_chosen(b, [by_name_b[name] for name in by_name_a]),
        names=list(by_name_a),
    )


def _by_name(pictures: FilePictures, letter: str = "", other: str | None = None) -> dict[str, int]:
    """Returns the index of each picture by its name without ending, and without `letter`.

    Args:
        pictures: of one folder.
        letter: what every name must end with, or the result is empty.
        other: pictures whose names end with it are those of the other side, and are passed over.
    """
    indices: dict[str, int] = {}
    for index, path in enumerate(pictures.paths):
        name = path.relative_to(pictures.folder).with_suffix("").as_posix()
        if other and name.upper().endswith(other):
            continue
        if not name.upper().endswith(letter):
            return {}
        name = name[: len(name) - len(letter)]
        if name in indices:
            raise DataError(
                f"{pictures.names[indices[name]]} and {pictures.names[index]} have one name, so "
                "that it is open which of them is half of a pair: rename or remove one."
            )
        indices[name] = index
    return indices


def _chosen(pictures: FilePictures, indices: list[int]) -> ListedPictures:
    return ListedPictures(
        names=[pictures.names[index] for index in indices],
        paths=[pictures.paths[index] for index in indices],
        reader_version=pictures.reader_version,
    )


def _domains_apart(root: pathlib.Path, name: str, paired: bool, reader_version: int) -> Source:
    each_once = not paired  # or a name of one side would have no partner
    all_train_a = FilePictures(root / "trainA", reader_version, each_once=each_once)
    all_train_b = FilePictures(root / "trainB", reader_version, each_once=each_once)
    all_test_a = FilePictures(root / "testA", reader_version, each_once=each_once)
    all_test_b = FilePictures(root / "testB", reader_version, each_once=each_once)
    _refuse_empty(root / "trainA", all_train_a)
    _refuse_empty(root / "trainB", all_train_b)
    has_test = bool(all_test_a and all_test_b)
    train_a: ListedPictures = all_train_a
    train_b: ListedPictures = all_train_b
    test_a: ListedPictures = all_test_a
    test_b: ListedPictures = all_test_b
    if paired:
        train_a, train_b, _ = partners(all_train_a, all_train_b)
    if paired and has_test:
        test_a, test_b, _ = partners(all_test_a, all_test_b)
    return Source(
        name=name,
        train_a=train_a,
        train_b=train_b,
        test_a=test_a or None,
        test_b=test_b or None,
        paired_train=paired,
        paired_test=paired and has_test,
        domains=domains_of(root.resolve().name),
    )


def _side_by_side(root: pathlib.Path, name: str, reader_version: int) -> Source:
    train = FilePictures(root / "train", reader_version)
    _refuse_empty(root / "train", train)
    logging.info("In each picture of %s, A is on the left and B on the right.", root / "train")
    test = FilePictures(root / "test", reader_version)
    if not test:
        test = FilePictures(root / "val", reader_version)
    return Source(
        name=name,
        train_a=HalfPictures(train, "left"),
        train_b=HalfPictures(train, "right"),
        test_a=HalfPictures(test, "left") if test else None,
        test_b=HalfPictures(test, "right") if test else None,
        paired_train=True,
        paired_test=bool(test),
        domains=domains_of(root.resolve().name),
    )


def _refuse_empty(folder: pathlib.Path, pictures: ListedPictures) -> None:
    if not pictures:
        raise DataError(
            f"{folder} holds no pictures that can be read (see docs/pictures.md); found "
            f"{_contents(folder)}."
        )


def _has_a_and_b(folder: pathlib.Path) -> bool:
    return (folder / "A").is_dir() and (folder / "B").is_dir()


def _no_known_layout(root: pathlib.Path) -> str:
    message = (
        f"--dataset={root} needs the sub-folders trainA and trainB, or train with A and B side by "
        f"side, but holds {_contents(root)}."
    )
    if not _has_a_and_b(root):
        for layout in ("trainA", "train"):
            inner = sorted(path.parent for path in root.glob(f"*/{layout}") if path.is_dir())
            if inner:
                return f"{message} Did you mean --dataset={inner[0]}?"
    if _has_a_and_b(root / "train"):
        return f"{message} Call train/A and train/B trainA and trainB."
    if _has_a_and_b(root):
        output = "<new folder>" if (root / "A" / "train").is_dir() else "<new folder>/train"
        return (
            f"{message} If A and B hold pairs of equal names, put them side by side: "
            f"python -m pipelines.pairs combine {root / 'A'} {root / 'B'} --output={output}. If "
            "not, call them trainA and trainB."
        )
    return message


def _contents(folder: pathlib.Path) -> str:
    """Names the first entries of a folder for a message."""
    try:
        names = sorted(
            f"{path.name}/" if path.is_dir() else path.name
            for path in folder.iterdir()
            if not path.name.startswith(".")
        )
    except OSError as error:
        return f"that it cannot be read ({error.strerror})"
    if not names:
        return "nothing"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"
