"""A folder of pictures: `trainA` and `trainB`, or `train` with A and B side by side."""

import os
import pathlib

from absl import logging

from cyclegan_keras.files.errors import DataError, first_few
from pipelines.sources.base import Source, domains_of
from pipelines.sources.files import ENDINGS, FilePictures, HalfPictures, ListedPictures

LISTED = 6  # entries of a folder in one message


def load(folder: str, paired: bool = False) -> Source:
    """Opens a folder in one of two layouts, that of the CycleGAN data sets or that of pix2pix.

    `trainA`, `trainB` and, optionally, `testA` and `testB`: pictures of two domains, which are
    matched by their names only where pairs are needed. Or `train` and, optionally, `test` or else
    `val`: pictures with A on the left and B on the right, always pairs.

    Args:
        folder: where it is.
        paired: whether pairs are needed.

    Raises:
        DataError: the folder has neither layout, holds no pictures, or pairs are needed and names
            of A and B differ.
    """
    root = pathlib.Path(folder)
    if (root / "trainA").is_dir() and (root / "trainB").is_dir():
        return _domains_apart(root, folder, paired)
    if (root / "train").is_dir() and not _has_a_and_b(root / "train"):
        return _side_by_side(root, folder)
    raise DataError(_no_known_layout(root))


def partners(
    folder_a: str | os.PathLike, folder_b: str | os.PathLike
) -> tuple[ListedPictures, ListedPictures]:
    """Matches the pictures of two folders by sub-folder and name, whatever the ending.

    Returns:
        All of A and all of B, in one order.

    Raises:
        DataError: a picture has no partner or several.
    """
    a = FilePictures(folder_a)
    b = FilePictures(folder_b)
    index_a = _index_by_stem(a, folder_a)
    index_b = _index_by_stem(b, folder_b)
    alone = [a.names[index] for stem, index in index_a.items() if stem not in index_b]
    alone += [b.names[index] for stem, index in index_b.items() if stem not in index_a]
    if alone:
        raise DataError(
            f"{folder_a} with {len(a)} and {folder_b} with {len(b)} pictures are no pairs: "
            f"{first_few(alone)} without a partner. Both sides of a pair need one name, whatever "
            "the ending: rename or remove these."
        )
    order_of_a = [index_b[stem] for stem in index_a]
    return a, ListedPictures(
        names=[b.names[index] for index in order_of_a],
        paths=[b.paths[index] for index in order_of_a],
    )


def _index_by_stem(pictures: FilePictures, folder: str | os.PathLike) -> dict[str, int]:
    indices: dict[str, int] = {}
    for index, path in enumerate(pictures.paths):
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in indices:
            raise DataError(
                f"{pictures.names[indices[stem]]} and {pictures.names[index]} have one name, so "
                "that it is open which of them is half of a pair: rename or remove one."
            )
        indices[stem] = index
    return indices


def _domains_apart(root: pathlib.Path, name: str, paired: bool) -> Source:
    train_a: ListedPictures = FilePictures(root / "trainA")
    train_b: ListedPictures = FilePictures(root / "trainB")
    test_a: ListedPictures = FilePictures(root / "testA")
    test_b: ListedPictures = FilePictures(root / "testB")
    _refuse_empty(root / "trainA", train_a)
    _refuse_empty(root / "trainB", train_b)
    has_test = bool(test_a and test_b)
    if paired:
        train_a, train_b = partners(root / "trainA", root / "trainB")
    if paired and has_test:
        test_a, test_b = partners(root / "testA", root / "testB")
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


def _side_by_side(root: pathlib.Path, name: str) -> Source:
    train = FilePictures(root / "train")
    _refuse_empty(root / "train", train)
    logging.info("In each picture of %s, A is on the left and B on the right.", root / "train")
    test = FilePictures(root / "test") or FilePictures(root / "val")
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
            f"{folder} holds no pictures ({', '.join(ENDINGS)}); found {_contents(folder)}."
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
