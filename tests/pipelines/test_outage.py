"""Pictures that cannot be read any more: an outage is waited for, damage is told apart from it."""

import contextlib
import errno
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import LostPicturesError, OutageError, PictureError
from pipelines import outage, readable, values
from pipelines.data import Data
from pipelines.options import DataOptions
from pipelines.sources import files


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only in pauses; returns the pauses so far."""
    pauses = []
    monkeypatch.setattr(outage.time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(outage.Patience, "_pause", lambda self, seconds: pauses.append(seconds))
    return pauses


def reader(*results):
    """Returns a function that raises or returns one result after the other; the last remains."""
    results = list(results)

    def read():
        result = results.pop(0) if len(results) > 1 else results[0]
        if isinstance(result, Exception):
            raise result
        return result

    return read


GONE = OutageError("does not exist", "/mnt/trainA/1.png")


def test_what_comes_back_is_read(clock, caplog):
    with caplog.at_level("INFO"):
        assert outage.Patience().read("1.png", reader(GONE, GONE, GONE, "pixels")) == "pixels"
    assert clock == [0.5, 1.0, 2.0]
    assert [record.getMessage() for record in caplog.records] == [
        "/mnt/trainA/1.png could be read before, but does not exist: trying again for 60 s.",
        "1.png can be read again after 3.5 s; the training goes on.",
    ]


def test_what_stays_away_is_an_error_after_a_minute(clock):
    with pytest.raises(
        LostPicturesError, match=r"^/mnt/trainA/1.png could be .* does not exist, also after 60 s"
    ):
        outage.Patience().read("1.png", reader(GONE))
    assert max(clock) == 8.0
    assert sum(clock) == 60


def test_damage_is_not_waited_for(clock):
    for results in ((PictureError("is damaged"),), (GONE, PictureError("is damaged"))):
        with pytest.raises(PictureError, match="is damaged"):
            outage.Patience().read("1.png", reader(*results))
    assert clock == [0.5]


@pytest.mark.parametrize("ending", ["interrupted", "failed elsewhere", "given up"])
def test_nobody_waits_longer_than_somebody_trains(ending, clock):
    patience = outage.Patience()
    if ending == "interrupted":
        patience.is_interrupted = lambda: len(clock) == 2
    elif ending == "failed elsewhere":
        patience.end(PictureError("none is left"))
        patience.end(PictureError("a later one"))
        assert str(patience.failure) == "none is left"
    else:
        patience.give_up()
    with pytest.raises(LostPicturesError):
        patience.read("1.png", reader(GONE))
    assert len(clock) == (2 if ending == "interrupted" else 0)


def test_one_line_speaks_for_all_threads(clock, caplog):
    patience = outage.Patience()
    all_wait = threading.Barrier(3)

    def read():
        if threading.current_thread().name not in came:
            came.append(threading.current_thread().name)
            raise GONE
        all_wait.wait(timeout=60)

    came: list[str] = []
    threads = [threading.Thread(target=patience.read, args=("1.png", read)) for _ in range(3)]
    with caplog.at_level("INFO"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert caplog.text.count("trying again") == 1
    assert caplog.text.count("can be read again") == 1


@pytest.fixture
def folder(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 20, 3), np.uint8)
    for domain, name in enumerate(("trainA", "trainB")):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.fromarray(pixels[domain, index]).save(tmp_path / name / f"{index}.png")
    return tmp_path


def data_of(folder, **options):
    options = {"load_size": 18, "crop_size": 16, "cache": "none", **options}
    return Data(DataOptions(dataset=str(folder), **options), seed=0)


OUTAGES = (
    errno.ENOENT,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ETIMEDOUT,
    errno.EACCES,
    errno.ENODEV,
    errno.EHOSTDOWN,
)


@pytest.mark.parametrize("number", OUTAGES)
@pytest.mark.parametrize("reader_version", [1, 2])
def test_every_outage_is_waited_for_and_no_neighbor_steps_in(
    reader_version, number, folder, clock, monkeypatch
):
    data = data_of(folder, reader_version=reader_version)

    def fail(*arguments, **keywords):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("builtins.open", fail)
    loader = data.unaugmented("train", "x")
    with pytest.raises(LostPicturesError, match=r"trainA/1.png could be read before, but"):
        loader(1)
    assert data.skipped == ()
    assert "could be read before" in str(data.patience.failure)
    assert sum(clock) == 60


def test_a_folder_that_is_gone_is_an_outage_of_its_pictures(folder, clock):
    data = data_of(folder)
    (folder / "trainA").rename(folder / "away")
    with pytest.raises(LostPicturesError, match="does not exist, also after"):
        next(iter(data._train["x"](index) for index in range(3)))


def test_damage_in_training_gives_way_to_a_neighbor_and_is_summed_up(folder, clock):
    (folder / "trainB" / "bad.png").write_bytes(b"\x89PNG")
    data = data_of(folder)
    whole = (folder / "trainA" / "1.png").read_bytes()
    (folder / "trainA" / "1.png").write_bytes(whole[:300])
    loader = data.unaugmented("train", "x")
    np.testing.assert_array_equal(loader(1), loader(2))
    assert clock == []
    assert data.left_out() == (
        "Left out, since they cannot be used: 2 pictures (trainA/1.png, trainB/bad.png); in the "
        "places of 1 of them (trainA/1.png) stood their neighbors."
    )


def test_damage_in_training_is_an_error_where_that_was_asked_for(folder, clock):
    data = data_of(folder, on_bad_image="error")
    assert data.left_out() == ""
    (folder / "trainA" / "1.png").write_bytes(b"")
    with pytest.raises(LostPicturesError, match=r"trainA/1.png could be used before, but is empty"):
        data.unaugmented("train", "x")(1)
    assert data.patience.failure.exit_code == 1
    assert data.skipped == ()


def test_a_drive_that_goes_while_headers_are_read_is_no_damage(folder, clock, monkeypatch):
    header = "pipelines.sources.files.read_header"
    read_header = files.read_header

    def read_and_lose(path, *arguments):
        if path.name == "1.png" and path.exists():
            (folder / "trainA").rename(folder / "away")
        return read_header(path, *arguments)

    monkeypatch.setattr(header, read_and_lose)
    with pytest.raises(LostPicturesError, match=r"trainA/\d.png could be read before, but"):
        data_of(folder)


def test_a_link_to_nothing_is_left_out_at_once(folder, clock):
    (folder / "trainA" / "link.png").symlink_to("nothing.png")
    assert data_of(folder).skipped == ("trainA/link.png",)
    assert clock == []


def test_the_range_of_values_waits_too(folder, clock, monkeypatch):
    """Otherwise it would be that of the pictures that happen to be there."""
    for path in folder.glob("train?/*.png"):
        Image.fromarray(np.arange(400, dtype="uint16").reshape(20, 20)).save(path)
    picture = "pipelines.sources.files.read_picture"

    def fail(path, *arguments):
        raise OutageError("cannot be read: Stale file handle", str(path))

    monkeypatch.setattr(picture, fail)
    with pytest.raises(LostPicturesError, match="Stale file handle"):
        data_of(folder)


@pytest.mark.parametrize(("module", "read"), [(readable, "read_header"), (values, "read_picture")])
def test_ctrl_c_ends_the_waiting_before_a_training_begins(module, read, folder, monkeypatch):
    for path in folder.glob("train?/*.png"):
        Image.fromarray(np.arange(400, dtype="uint16").reshape(20, 20)).save(path)
    is_lost = threading.Event()

    def lose(path, *arguments):
        with contextlib.suppress(FileNotFoundError):
            (folder / "trainA").rename(folder / "away")
        is_lost.set()
        raise OutageError("does not exist", str(path))

    def interrupted(*arguments, **keywords):
        """Stands in for the progress, during which Ctrl-C reaches the main thread."""
        assert is_lost.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(f"pipelines.sources.files.{read}", lose)
    monkeypatch.setattr(module, "tqdm", interrupted)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        data_of(folder)
    assert time.monotonic() - start < 30  # and not a minute
