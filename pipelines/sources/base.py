"""What every source of pictures offers."""

import abc
import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from cyclegan_keras.files.names import name_bytes
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.picture import Picture

SAMPLED = 8  # pictures of which all bytes are compared


class Pictures(abc.ABC):
    """A fixed sequence of pictures with random access; safe to read from several threads.

    Attributes:
        names: what each picture is called in messages.
    """

    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> np.ndarray:
        """Returns uint8 (height, width, 3), RGB, or raises PictureError."""
        return Form().array(self.picture(index, channels=3))

    @abc.abstractmethod
    def picture(self, index: int, channels: int | None = None) -> Picture:
        """Returns a picture as its file holds it.

        Args:
            index: from 0.
            channels: how many are wanted, where a file can be read in several ways.

        Raises:
            PictureError: it cannot be read; the message is the reason alone.
        """

    @abc.abstractmethod
    def header(self, index: int, channels: int | None = None) -> Header:
        """Returns size, channels and type of a picture without decoding it.

        Raises:
            PictureError: the header cannot be read; the message is the reason alone.
        """

    def size(self, index: int) -> tuple[int, int]:
        """Returns (width, height) without decoding the picture, or raises PictureError."""
        header = self.header(index)
        return header.width, header.height

    @abc.abstractmethod
    def key(self, index: int) -> str:
        """Returns text that changes when the picture does and is the same in every run."""

    def content(self, index: int) -> str:
        """Returns text that changes when the picture does, but not when its file is moved."""
        return self.key(index)

    def fingerprint(self, rename: Callable[[str], str] = str) -> str:
        """Returns a SHA-256 over `names` and `content` of all pictures.

        Args:
            rename: a name -> the one that counts.

        Raises:
            LostPicturesError: a drive cannot be read now.
        """
        digest = hashlib.sha256()
        for index, name in enumerate(self.names):
            digest.update(name_bytes(f"{rename(name)}\n{self.content(index)}\n"))
        return digest.hexdigest()

    def bytes_of(self, index: int) -> bytes | None:
        """Returns the bytes of a picture's file; None where `content` tells all of it already.

        Raises:
            LostPicturesError: its drive cannot be read now.
        """
        return None

    def sample_digest(self) -> str:
        """Returns a SHA-256 over the files of `SAMPLED` pictures, spread evenly through all.

        Pictures that are not compressed are often of one size; this tells them apart.
        """
        digest = hashlib.sha256()
        count = min(SAMPLED, len(self))
        for number in range(count):
            found = self.bytes_of(number * (len(self) - 1) // max(count - 1, 1))
            digest.update(found or b"")
        return digest.hexdigest()

    def facts(self, rename: Callable[[str], str] = str) -> dict[str, Any]:
        """Returns count and fingerprints, as "data" of facts.json holds them for each folder.

        Fingerprints change with any picture's name or size, but not with the folder they lie in; a
        second one covers the bytes of some pictures.

        Args:
            rename: a name -> the one that counts.
        """
        return {
            "count": len(self),
            "sha256": self.fingerprint(rename),
            "sample_sha256": self.sample_digest(),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """Two domains of pictures.

    Attributes:
        name: as in `--dataset`.
        train_a: training pictures of domain A.
        train_b: training pictures of domain B.
        test_a: pictures to look at and to measure on, or None.
        test_b: the same of B, or None.
        paired_train: True when `train_a[i]` and `train_b[i]` show one scene in both domains.
        paired_test: the same of `test_a[i]` and `test_b[i]`.
        crop_size: the `--crop_size` in px that suits these pictures, or None for the usual one.
        domains: what A and B show, in words.
    """

    name: str
    train_a: Pictures
    train_b: Pictures
    test_a: Pictures | None
    test_b: Pictures | None
    paired_train: bool = False
    paired_test: bool = False
    crop_size: int | None = None
    domains: tuple[str, str] = ("A", "B")

    @functools.cached_property
    def training_facts(self) -> dict[str, Any]:
        """Name, counts and fingerprints of the training pictures, as "data" of facts.json.

        All files are looked at once, when it is first asked for.
        """
        return {
            "name": self.name,
            "trainA": self.train_a.facts(),
            "trainB": self.train_b.facts(),
        }


def domains_of(name: str) -> tuple[str, str]:
    """Reads what A and B show out of a data set's name.

    Example:
        >>> domains_of("cycle_gan/horse2zebra")
        ('horse', 'zebra')
        >>> domains_of("photos")
        ('A', 'B')
    """
    last_part = name.rstrip("/").rpartition("/")[2]
    match = re.fullmatch(r"([^\W\d]+)2([^\W\d]+)", last_part)
    if match is None:
        return "A", "B"
    return match[1], match[2]
