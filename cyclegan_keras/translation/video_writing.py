"""Writes a video: its codec, size, timestamps, color tags, and audio as it is."""

import contextlib
import dataclasses
import errno
import fractions
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.files.writing import Refusal, make_folder, write_error
from cyclegan_keras.translation.video_color import LIMITED, Colors

try:
    import av
except ImportError:  # the extra [video] is not installed
    av = None

H264 = "libx264"
VP9 = "libvpx-vp9"
CODECS = {".mp4": H264, ".m4v": H264, ".mov": H264, ".mkv": H264, ".webm": VP9}
CODEC_OPTIONS = {H264: {}, VP9: {"b:v": "0", "row-mt": "1"}}
INDEX_FIRST = {"movflags": "faststart"}  # so that players on the web start at once
INDEXED = (".mp4", ".m4v", ".mov")
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Frame:
    """A translated frame.

    Attributes:
        pixels: uint8 (height, width, 1 for gray or 3 for RGB).
        colors: what the numbers mean.
        pts: when it is shown, in units of `time_base`.
        time_base: in seconds.
        duration: how long it is shown, in the same units; None until the next one.
        aspect: width to height of a pixel; None where nothing says.
    """

    pixels: np.ndarray
    colors: Colors
    pts: int
    time_base: fractions.Fraction
    duration: int | None = None
    aspect: fractions.Fraction | None = None


@contextlib.contextmanager
def video_to_write(source: pathlib.Path, target: pathlib.Path) -> Iterator[Any]:
    """Yields a container that becomes the file `target` when the block succeeds.

    Args:
        source: what is translated, for messages.
        target: its ending is one of CODECS. Folders are made.

    Raises:
        TranslationError: the ending is another one, or FFmpeg refuses what it reads or writes.
        WriteError: the disk is full, for example.
    """
    refuse_unwritable(target)
    container_options = INDEX_FIRST if target.suffix.lower() in INDEXED else {}
    make_folder(target.parent)
    with atomic_write(target) as temporary:
        try:
            with av.open(os.fspath(temporary), "w", options=container_options) as container:
                yield container
        except av.error.FFmpegError as error:
            of_target = getattr(error, "filename", None) == os.fspath(temporary)
            if of_target or error.errno in FULL_DISK:
                refusal = Refusal(error.errno, error.strerror)
                raise write_error(target, refusal) from error
            raise TranslationError(f"{source} is damaged or no video: {error.strerror}.") from error


def refuse_unwritable(target: pathlib.Path) -> None:
    """Raises TranslationError where no video with that ending can be written."""
    if av is None:
        raise TranslationError('Videos need the package av: pip install "cyclegan-keras[video]".')
    if target.suffix.lower() not in CODECS:
        raise TranslationError(f"--output={target}: videos can be written as {', '.join(CODECS)}.")


class VideoWriter:
    """The streams of a video; they start with the first frame, when its size is known.

    Args:
        container: of PyAV, open for writing.
        name: of the file that is translated, for messages.
        rate: frames a second; timestamps may differ from it.
        crf: constant rate factor, lower is better and larger.
        audio: streams of PyAV whose packets will come.
    """

    def __init__(
        self,
        container: Any,
        *,
        name: str,
        rate: fractions.Fraction,
        crf: int,
        audio: Sequence[Any] = (),
    ):
        self._container = container
        self._name = name
        self._rate = rate
        self._crf = crf
        self._audio = audio
        self._stream: Any = None
        self._audio_streams: dict[int, Any] = {}  # by the index of the original
        self._early_audio: list[Any] = []  # packets that come before the first translated frame
        self._durations: dict[int, int] = {}  # of frames that the encoder holds, by their pts

    def add_audio(self, packet: Any) -> None:
        """Copies a packet of audio."""
        if self._stream is None:
            self._early_audio.append(packet)
            return
        packet.stream = self._audio_streams[packet.stream.index]
        self._container.mux(packet)

    def add_frame(self, frame: Frame) -> None:
        """Encodes a frame, of the size of all others."""
        height, width, _ = frame.pixels.shape
        if self._stream is None:
            self._start_video(frame)
            self._start_audio()
        rgb = np.ascontiguousarray(np.broadcast_to(frame.pixels, (height, width, 3)))
        encoded = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format=self._stream.pix_fmt,
            dst_colorspace=frame.colors.conversion,
            dst_color_range=LIMITED,
        )
        encoded.colorspace = frame.colors.matrix
        encoded.color_range = LIMITED
        encoded.color_primaries = frame.colors.primaries
        encoded.color_trc = frame.colors.transfer
        encoded.pts = frame.pts
        encoded.time_base = frame.time_base
        if frame.duration is not None:
            self._durations[frame.pts] = frame.duration
        self._write(self._stream.encode(encoded))

    def finish(self) -> None:
        """Writes the frames that the encoder still holds."""
        self._write(self._stream.encode(None))

    def _write(self, packets: list[Any]) -> None:
        for packet in packets:
            duration = self._durations.pop(packet.pts, None)
            if duration is not None:
                packet.duration = duration
            self._container.mux(packet)

    def _start_video(self, frame: Frame) -> None:
        codec = CODECS[self._ending]
        if codec not in av.codecs_available:
            raise TranslationError(f"This package av cannot encode {codec}: try another ending.")
        codec_options = {**CODEC_OPTIONS[codec], "crf": str(self._crf)}
        stream = self._container.add_stream(codec, rate=self._rate, options=codec_options)
        height, width, _ = frame.pixels.shape
        stream.width = width
        stream.height = height
        stream.pix_fmt = "yuv420p"
        if codec == H264 and (width % 2 or height % 2):
            stream.pix_fmt = "yuv444p"
            logging.info("%dx%d has an odd side: written as 4:4:4, for few players.", width, height)
        context = stream.codec_context
        context.time_base = frame.time_base
        if frame.aspect:
            context.sample_aspect_ratio = frame.aspect
        if frame.duration is not None:  # with B-frames, .mp4 ends before the last frames do
            context.max_b_frames = 0
        context.colorspace = frame.colors.matrix
        context.color_range = LIMITED
        context.color_primaries = frame.colors.primaries
        context.color_trc = frame.colors.transfer
        self._stream = stream

    def _start_audio(self) -> None:
        try:
            for stream in self._audio:
                copy = self._container.add_stream_from_template(stream)
                copy.metadata.update(stream.metadata)
                self._audio_streams[stream.index] = copy
            self._container.start_encoding()
        except (ValueError, av.error.FFmpegError) as error:
            if getattr(error, "errno", None) in FULL_DISK:
                raise
            codecs = ", ".join(stream.codec_context.name for stream in self._audio) or "video"
            raise TranslationError(
                f"{self._ending} cannot hold {codecs} of {self._name}: try --output=....mkv"
            ) from error
        for packet in self._early_audio:
            self.add_audio(packet)
        self._early_audio = []

    @property
    def _ending(self) -> str:
        return pathlib.Path(self._container.name).suffix.lower()
