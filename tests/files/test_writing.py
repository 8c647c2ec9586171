import errno
import os

import pytest
import tensorflow as tf

from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.files.writing import writing

OF_TENSORFLOW = {
    "No space left on device": (tf.errors.ResourceExhaustedError, errno.ENOSPC),
    "Permission denied": (tf.errors.PermissionDeniedError, errno.EACCES),
    "Read-only file system": (tf.errors.UnknownError, errno.EROFS),
    "Disk quota exceeded": (tf.errors.UnknownError, errno.EDQUOT),
}


@pytest.mark.parametrize("reason", OF_TENSORFLOW)
@pytest.mark.parametrize("folder", ["{here}", "small/out"])
def test_what_tensorflow_says_of_files_is_a_sentence(tmp_path, reason, folder):
    folder = folder.format(here=tmp_path)
    kind, number = OF_TENSORFLOW[reason]
    with pytest.raises(WriteError) as caught, writing(folder):
        raise kind(None, None, f"{{{{node a}}}} {folder}/events.v2; {reason}\n\tFailed to flush")
    assert str(caught.value).startswith(f"Cannot write to {folder}: {reason}. ")
    assert caught.value.errno == number


def test_what_hdf5_says_is_a_sentence(tmp_path):
    said = (
        "Can't decrement id ref count (file write failed: time = Sun Nov 29 22:32:26\n, filename = "
        f"'{tmp_path}/a.h5', file descriptor = 3, errno = 28, error message = 'No space left')"
    )
    with pytest.raises(WriteError, match=r": No space left on device\. Free"), writing(tmp_path):
        raise RuntimeError(said)


def test_a_name_that_is_not_utf8_hides_no_reason():
    """TensorFlow's message then arrives as an error of reading that message."""
    sentence = r"^Cannot write to /a/b: Permission denied\. "
    with pytest.raises(WriteError, match=sentence), writing("/a/b"):
        b"{{node a}} /a/caf\xe9; Permission denied".decode()


@pytest.mark.parametrize("name", ["file/a.txt", "missing/a.txt", "folder", "x" * 300])
def test_what_the_system_says_is_a_sentence(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError) as caught, writing(tmp_path / name):
        (tmp_path / name).write_text("a")
    assert str(tmp_path / name) in str(caught.value)
    assert "Errno" not in str(caught.value)
    assert len(str(caught.value).split(". ")) == 2  # what was refused, and what to do


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_device_says_that_it_is_full():
    sentence = r"^Cannot write to /dev/full: No space left on device\. Free some space and run"
    with (
        pytest.raises(WriteError, match=sentence),
        writing("/dev/full"),
        open("/dev/full", "w") as f,
    ):
        f.write("a")


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a"),
        RuntimeError("a"),
        tf.errors.InvalidArgumentError(None, None, "shapes differ"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/picture.png"),
        tf.errors.NotFoundError(
            None, None, "{{node a}} /elsewhere/a.pb; No such file or directory"
        ),
    ],
)
def test_other_errors_pass(tmp_path, error):
    with pytest.raises(type(error)) as caught, writing(tmp_path / "a.txt"):
        raise error
    assert caught.value is error
