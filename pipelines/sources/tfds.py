"""The ten `cycle_gan/<name>` data sets of TensorFlow Datasets, downloaded or placed by hand.

They are prepared by TensorFlow. What was prepared in a format of random access is read without it.
"""

import dataclasses
import importlib.util
import pathlib
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import lazy_loader
from absl import logging

from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources.base import Pictures, Source, domains_of
from pipelines.sources.files import read_header, read_picture

if TYPE_CHECKING:
    import tensorflow_datasets as tfds
else:
    tfds = lazy_loader.load("tensorflow_datasets")

NAMES = (
    "apple2orange",
    "summer2winter_yosemite",
    "horse2zebra",
    "monet2photo",
    "cezanne2photo",
    "ukiyoe2photo",
    "vangogh2photo",
    "maps",
    "facades",
    "iphone2dslr_flower",
)
SPLITS = ("trainA", "trainB", "testA", "testB")
CONNECT_SECONDS = 20
# Sets whose domains are shuffled in `cycle_gan/<name>`, and where they lie in pairs.
PAIRED_ELSEWHERE = {
    "facades": "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/facades.tar.gz",
    "maps": "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/maps.tar.gz",
}


class EncodedPictures(Pictures):
    """Picture files held in memory as bytes, decoded at access.

    Args:
        names: what each is called in messages.
        files: the bytes of each.
        reader_version: of the rules by which they are read, see `images.reading`.
    """

    def __init__(self, names: Sequence[str], files: Sequence[bytes], reader_version: int = CURRENT):
        self.names = tuple(names)
        self.files = tuple(files)
        self._reader_version = reader_version

    def picture(self, index: int, channels: int | None = None) -> Picture:
        return read_picture(self.files[index], self._reader_version, channels)

    def header(self, index: int, channels: int | None = None) -> Header:
        return read_header(self.files[index], self._reader_version, channels)

    def key(self, index: int) -> str:
        return f"{self.names[index]} {zlib.crc32(self.files[index])} {len(self.files[index])}"


def load(
    name: str,
    data_dir: str | None = None,
    paired: bool = False,
    reader_version: int = CURRENT,
) -> Source:
    """Opens `cycle_gan/<name>`, preparing it first where that has not been done.

    An archive `<name>.zip` in `data_dir` (or in TFDS' own `downloads/manual` below it) is used
    instead of a download, even where it is not byte-equal to the one TFDS knows.

    Args:
        name: one of NAMES.
        data_dir: where TFDS keeps its data sets; None: where TFDS does by itself.
        paired: whether pairs are needed.
        reader_version: of the rules by which pictures are read.

    Raises:
        DataError: pairs are needed, which no set here has; the set is neither prepared nor placed
            by hand and cannot be downloaded; or it cannot be prepared.
    """
    if paired:
        raise DataError(_no_pairs(name))
    root = None if data_dir is None else str(pathlib.Path(data_dir).expanduser())
    try:
        builder = tfds.builder(f"cycle_gan/{name}", data_dir=root)
    except ModuleNotFoundError as error:
        raise DataError(
            f"--dataset=cycle_gan/{name} is read by the package tensorflow-datasets, which is not "
            "installed: install it, or unzip the set and use --dataset=<that folder>."
        ) from error
    if importlib.util.find_spec("tensorflow") is None:
        _check_readable_without_tensorflow(builder, name)
    if not builder.is_prepared():
        _prepare(builder, name)
    return Source(
        name=f"cycle_gan/{name}",
        train_a=_read(builder, "trainA", reader_version),
        train_b=_read(builder, "trainB", reader_version),
        test_a=_read(builder, "testA", reader_version),
        test_b=_read(builder, "testB", reader_version),
        domains=domains_of(name),
    )


def _no_pairs(name: str) -> str:
    message = f"--dataset=cycle_gan/{name} has no pairs to train on"
    if name not in PAIRED_ELSEWHERE:
        return f"{message}: choose another --method, or a folder of pairs or demo/pony_pairs."
    return (
        f"{message}, its domains are shuffled: get {PAIRED_ELSEWHERE[name]}, unpack it and use "
        f"--dataset=<the folder {name}>."
    )


def _read(builder: "tfds.core.DatasetBuilder", split: str, reader_version: int) -> EncodedPictures:
    decoders = {"image": tfds.decode.SkipDecoding()}
    try:
        if _has_random_access(builder):
            examples = builder.as_data_source(split=split, decoders=decoders)
        else:
            examples = tfds.as_numpy(
                builder.as_dataset(
                    split=split,
                    shuffle_files=False,
                    decoders=decoders,
                    read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
                )
            )
        files = [example["image"] for example in examples]
    except Exception as error:  # a damaged record file shows as many kinds of error
        raise DataError(
            f"{builder.data_path} is damaged ({_first_line(error)}): delete that folder and run "
            "again to prepare it anew."
        ) from error
    names = [f"{split}/{number:05d}" for number in range(len(files))]
    return EncodedPictures(names, files, reader_version)


def _has_random_access(builder: "tfds.core.DatasetBuilder") -> bool:
    return builder.info.file_format.name == "ARRAY_RECORD"


def _check_readable_without_tensorflow(builder: "tfds.core.DatasetBuilder", name: str) -> None:
    """Refuses a set that is not prepared, or in a format that TensorFlow alone reads."""
    if builder.is_prepared() and _has_random_access(builder):
        return
    raise DataError(
        f"Without TensorFlow, cycle_gan/{name} is read where it was prepared for random access, "
        f"and {builder.data_path} does not hold it so: on a machine with TensorFlow run tfds "
        f"build cycle_gan/{name} --file_format=array_record --data_dir=<a new folder>, copy that "
        "folder here and name it by --data_dir; or unzip the set and use --dataset=<that folder>."
    )


def _prepare(builder: "tfds.core.DatasetBuilder", name: str) -> None:
    url = next(url for url in builder.url_infos if url.endswith(f"/{name}.zip"))
    root = pathlib.Path(builder.data_dir_root)
    archive = _placed_by_hand(root, name)
    by_hand = (
        f"Get {url} by other means, put {name}.zip into {root} and run the same command again; "
        "or unzip it anywhere and use --dataset=<that folder>."
    )
    try:
        if archive:
            _prepare_from(builder, url, archive)
        else:
            if not any((root / "downloads").rglob("*.zip")):
                _check_connection(url)
            builder.download_and_prepare(download_config=_config())
    except DataError:
        raise
    except Exception as error:  # network, checksum, disk, permission: TFDS has no common base
        raise DataError(
            f"cycle_gan/{name} could not be prepared in {root} ({_first_line(error)}). {by_hand}"
        ) from error


def _check_connection(url: str) -> None:
    """Fails within seconds where TFDS would try again for minutes."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "Mozilla/5.0"})
    try:
        urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError as error:
        if error.code not in (403, 405, 501):  # servers that dislike HEAD may still serve GET
            raise


def _placed_by_hand(root: pathlib.Path, name: str) -> pathlib.Path | None:
    for folder in (root, root / "downloads" / "manual"):
        if (folder / f"{name}.zip").is_file():
            return folder / f"{name}.zip"
    return None


def _prepare_from(builder: "tfds.core.DatasetBuilder", url: str, archive: pathlib.Path) -> None:
    _check_archive(archive)
    known = builder.url_infos[url]
    placed = dataclasses.replace(
        known, size=type(known.size)(archive.stat().st_size), checksum=sha256(archive)
    )
    if placed != known:
        logging.warning(
            "%s is not byte-equal to the archive TFDS knows (sha256 %s..., known %s...); it is "
            "used as you placed it.",
            archive,
            placed.checksum[:12],
            known.checksum[:12],
        )
    builder.url_infos[url] = placed
    try:
        # TFDS would take what is left of an earlier archive of this name for this one.
        with tempfile.TemporaryDirectory(dir=archive.parent) as extracted:
            config = _config(manual_dir=str(archive.parent), extract_dir=extracted)
            builder.download_and_prepare(download_config=config)
    finally:
        builder.url_infos[url] = known


def _check_archive(archive: pathlib.Path) -> None:
    try:
        with zipfile.ZipFile(archive) as content:
            folders = {str(pathlib.PurePosixPath(name).parent) for name in content.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{archive} cannot be read ({error}): download it again.") from error
    is_complete = all(f"{archive.stem}/{split}" in folders for split in SPLITS)
    top_folders = {folder.split("/")[0] for folder in folders} - {"."}
    if not is_complete or len(top_folders) > 1:
        raise DataError(
            f"{archive} should hold nothing but the folder {archive.stem}/ with trainA, trainB, "
            f"testA and testB, but holds {', '.join(sorted(folders)[:8]) or 'nothing'}. "
            "Unzip it and use --dataset=<the folder with trainA>."
        )


def _config(**folders: str) -> "tfds.download.DownloadConfig":
    return tfds.download.DownloadConfig(try_download_gcs=False, **folders)


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
