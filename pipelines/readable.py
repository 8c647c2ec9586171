"""Which pictures of a source can be used: looked at, and matched where they are pairs."""

import functools

from pipelines import checks
from pipelines.options import DataOptions
from pipelines.scan import ReadablePictures, matched, scan
from pipelines.sources import pair_list
from pipelines.sources.base import Source

Domains = tuple[ReadablePictures, ReadablePictures]  # A and B


def train(source: Source, options: DataOptions, paired: bool) -> Domains:
    """Returns the training pictures.

    Args:
        source: where they are from.
        options: how many to use, and what to do with unreadable ones.
        paired: keep pairs alone, both sides of which can be read.

    Raises:
        DataError: they cannot be used.
    """
    refuse = options.on_bad_image == "error"
    look = functools.partial(scan, refuse=refuse, decode=refuse, most=options.max_dataset_size)
    found = look(source.train_a, "trainA"), look(source.train_b, "trainB")
    if not source.paired_train:
        return found
    pairs = matched(*found)
    checks.check_pairs(*pairs, "training pairs")
    return pairs if paired else found


def test(source: Source, options: DataOptions) -> Domains:
    """Returns the test pictures; of pairs, those both sides of which can be read.

    Raises:
        DataError: they cannot be used.
    """
    refuse = options.on_bad_image == "error"
    # A pair is one only if both can be read, which a header does not tell.
    look = functools.partial(scan, refuse=refuse, decode=refuse or source.paired_test)
    found = look(source.test_a, "testA"), look(source.test_b, "testB")
    if not source.paired_test:
        return found
    pairs = matched(*found)
    checks.check_pairs(*pairs, "test pairs")
    return pairs


def pairs(options: DataOptions) -> Domains:
    """Returns the pairs that `--pairs` lists.

    Raises:
        DataError: they cannot be used.
    """
    refuse = options.on_bad_image == "error"
    found = [
        scan(pictures, f"{name} in {options.pairs}", refuse=refuse, decode=True)
        for name, pictures in zip("AB", pair_list.load(options.pairs), strict=True)
    ]
    both = matched(*found)
    checks.check_pairs(*both, f"pairs of {options.pairs}")
    return both
