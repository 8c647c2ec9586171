"""A file of events, as TensorBoard reads it, written without TensorFlow."""

import io
import os
import pathlib
import socket
import time
from typing import IO

import numpy as np
from PIL import Image

MADE_FOR = "brain.Event:2"  # the version of the format
_opened = 0  # files of this process so far, which need names of their own


class EventFile:
    """Curves, pictures and texts, one record after the other.

    Every record is on its way to the disk when a method returns, so that a full disk is an error of
    the method that met it.

    Args:
        folder: where the file is made, with the name that TensorFlow would give it.

    Raises:
        OSError: the file cannot be written; also raised by every method.
    """

    def __init__(self, folder: pathlib.Path):
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        global _opened
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        path = folder / f"{name}.{os.getpid()}.{_opened}.v2"
        self._file: IO[bytes] = open(path, "xb")  # noqa: SIM115  (closed by `close`)
        _opened += 1
        self._records = RecordWriter(self._file)
        self._records.write(Event(wall_time=time.time(), file_version=MADE_FOR).SerializeToString())
        self._records.flush()

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes a point of each curve, by its name."""
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        for name, value in values.items():
            self._write(step, scalar_pb(name, value))
        self._records.flush()

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        """Writes a picture, uint8 (height, width, 3)."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.image.metadata import create_summary_metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        height, width, _ = picture.shape
        png = io.BytesIO()
        Image.fromarray(picture).save(png, format="PNG")
        strings = [str(width).encode(), str(height).encode(), png.getvalue()]
        summary = Summary()
        summary.value.add(
            tag=name,
            metadata=create_summary_metadata(display_name=None, description=None),
            tensor=make_tensor_proto(strings, dtype=np.object_),
        )
        self._write(step, summary)
        self._records.flush()

    def text(self, step: int, name: str, sentence: str) -> None:
        """Writes a text in Markdown."""
        from tensorboard.plugins.text.summary_v2 import text_pb

        self._write(step, text_pb(name, sentence))
        self._records.flush()

    def close(self) -> None:
        """Closes the file."""
        self._records.close()

    def _write(self, step: int, summary) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=time.time(), step=step, summary=summary)
        self._records.write(event.SerializeToString())
