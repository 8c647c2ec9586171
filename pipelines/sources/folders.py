"""A folder of pictures: `trainA` and `trainB`, or `train` with A and B side by side."""

import pathlib

from absl import logging

from cyclegan_keras.files.errors import DataError
from pipelines.sources.base import Source, domains_of
from pipelines.sources.files import ENDINGS, FilePictures, HalfPictures, ListedPictures
from pipelines.sources.partners import partners


def load(folder: str, paired: bool = False) -> Source:
    """Opens a folder in one of two layouts, that of the CycleGAN data sets or that of pix2pix.

    `trainA`, `trainB` and, optionally, `testA` and `testB`: pictures of two domains; pairs, by
    their names, only where they are asked for. Or `train` and, optionally, `test` or else `val`:
    pictures with A on the left and B on the right, always pairs.

    Args:
        folder: where it is.
        paired: whether pairs are wanted.

    Raises:
        DataError: the folder has neither layout, holds no pictures, or pairs are wanted and names
            of A and B differ.
    """
    root = pathlib.Path(folder)
    if (root / "trainA").is_dir() and (root / "trainB").is_dir():
        return _domains_apart(root, folder, paired)
    if (root / "train").is_dir() and not _has_domains(root / "train"):
        return _side_by_side(root, folder)
    raise DataError(_not_the_layout(root))


def _domains_apart(root: pathlib.Path, name: str, paired: bool) -> Source:
    splits = ("trainA", "trainB", "testA", "testB")
    found = {split: FilePictures(root / split) for split in splits}
    for split in splits[:2]:
        _refuse_empty(root / split, found[split])
    has_test = bool(found["testA"] and found["testB"])
    if paired:
        for both in (splits[:2], splits[2:])[: 1 + has_test]:
            found |= zip(both, partners(*(root / split for split in both)), strict=True)
    return Source(
        name=name,
        train_a=found["trainA"],
        train_b=found["trainB"],
        test_a=found["testA"] or None,
        test_b=found["testB"] or None,
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


def _has_domains(folder: pathlib.Path) -> bool:
    return (folder / "A").is_dir() and (folder / "B").is_dir()


def _not_the_layout(root: pathlib.Path) -> str:
    wanted = (
        f"--dataset={root} needs the sub-folders trainA and trainB, or train with A and B side by "
        f"side, but holds {_contents(root)}."
    )
    for layout in ("trainA", "train"):
        inner = sorted(path.parent for path in root.glob(f"*/{layout}") if path.is_dir())
        if inner and not _has_domains(root):
            return f"{wanted} Did you mean --dataset={inner[0]}?"
    if _has_domains(root / "train"):
        return f"{wanted} Call train/A and train/B trainA and trainB."
    if _has_domains(root):
        return (
            f"{wanted} If A and B hold pairs of equal names, put them side by side: "
            f"python -m pipelines.pairs combine {root / 'A'} {root / 'B'} --output=<new folder>"
            f"{'' if (root / 'A' / 'train').is_dir() else '/train'}. If not, call them trainA and "
            "trainB."
        )
    return wanted


def _contents(folder: pathlib.Path, most: int = 6) -> str:
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir() if p.name[0] != ".")
    except OSError as error:
        return f"that it cannot be read ({error.strerror})"
    if not names:
        return "nothing"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
