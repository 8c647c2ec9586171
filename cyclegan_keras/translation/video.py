"""Translates a video frame by frame: order, timestamps, audio and size stay."""

import errno
import fractions
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import TranslationError, WriteError
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.translation.job import automatic_batch_size, progress_bar
from cyclegan_keras.translation.listing import TRANSLATION
from cyclegan_keras.translation.recipe import Recipe

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
LARGEST_BATCH = 8
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TOLERANCE_SECONDS = 1.0  # by which the length that a container claims may be wrong

# Color tags of video frames, in the numbers of FFmpeg.
BT709, BT601, SMPTE240M, BT2020 = 1, 5, 7, 9  # conversions to RGB
CONVERSIONS = {1: BT709, 5: BT601, 6: BT601, 7: SMPTE240M, 9: BT2020, 10: BT2020}  # by tag
HD_LINES = 720  # from there on players take untagged colors for BT.709, below for BT.601
LIMITED = 1  # the range 16 to 235 that players expect


class _Stopped(Exception):  # noqa: N818
    """Leaves the block that would publish the file."""


def translate_video(
    source: pathlib.Path,
    target: pathlib.Path,
    recipe: Recipe,
    *,
    crf: int = 18,
    batch_size: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> int | None:
    """Translates the best video stream of a file and copies its audio as it is.

    Frames keep their order and timestamps, the picture its size, pixel aspect and color tags. A
    rotation tag is applied and left out, and so are subtitles left out.

    Args:
        source: what FFmpeg reads.
        target: its ending, one of CODECS, chooses the codec. It appears when it is whole.
        recipe: what to make of each frame; its translation is written.
        crf: constant rate factor, lower is better and larger.
        batch_size: frames to translate together; None chooses by their size.
        stopped: asked before each batch; True ends it and writes nothing.

    Returns:
        The number of frames, or None when it was stopped.

    Raises:
        TranslationError: no video, a damaged one, or an ending that cannot be written or hold the
            audio; nothing is written then.
        WriteError: the disk is full, for example.
    """
    if av is None:
        raise TranslationError('Videos need the package av: pip install "cyclegan-keras[video]".')
    ending = target.suffix.lower()
    if ending not in CODECS:
        raise TranslationError(f"--output={target}: videos can be written as {', '.join(CODECS)}.")
    container_options = INDEX_FIRST if ending in INDEXED else {}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            av.open(str(source)) as reader,
            atomic_write(target) as temporary,
            av.open(str(temporary), "w", options=container_options) as writer,
        ):
            return _translate_frames(
                _Source(reader),
                _Target(writer, reader, crf),
                recipe,
                batch_size=batch_size,
                stopped=stopped,
            )
    except _Stopped:
        return None
    except (OSError, av.error.FFmpegError) as error:
        if error.errno in FULL_DISK or not isinstance(error, av.error.FFmpegError):
            raise WriteError(f"Cannot write {target}: {error.strerror}.") from error
        raise TranslationError(f"{source} is damaged or no video: {error.strerror}.") from error


def _translate_frames(
    source: "_Source",
    target: "_Target",
    recipe: Recipe,
    *,
    batch_size: int | None,
    stopped: Callable[[], bool],
) -> int:
    """Writes the whole video; returns the number of frames."""

    def limit(frame) -> int:
        return batch_size or min(automatic_batch_size(frame.height, frame.width), LARGEST_BATCH)

    batches = batches_by_shape(
        source.frames(on_audio=target.add_audio),
        shape=lambda frame: (frame.height, frame.width),
        limit=limit,
    )
    count = 0
    with progress_bar(source.expected_frames(), "frame") as bar:
        for frames in batches:
            if stopped():
                raise _Stopped
            translated = recipe([Picture(pixels=_upright(frame)) for frame in frames])
            for frame, parts in zip(frames, translated, strict=True):
                target.add_frame(frame, parts[TRANSLATION].pixels)
            count += len(frames)
            bar.update(len(frames))
    if not count:
        raise TranslationError(f"{source.name} holds no frame that can be read.")
    source.refuse_incomplete()
    target.finish()
    return count


class _Source:
    """The frames and the audio of a video that is read."""

    def __init__(self, reader):
        self.name = reader.name
        self._reader = reader
        self._stream = best_stream(reader)
        self._stream.thread_type = "AUTO"
        self._size: tuple[int, int] | None = None  # width and height, known from the first frame
        self._count = 0
        self._last_frame_time = 0.0  # in seconds
        self._last_audio_time = 0.0

    def frames(self, on_audio: Callable) -> Iterator:
        """Yields the frames in order; calls `on_audio` with each packet of audio between them."""
        for packet in self._reader.demux(self._stream, *self._reader.streams.audio):
            if packet.stream is self._stream:
                for frame in self._decoded(packet):
                    self._check(frame)
                    yield frame
            elif packet.dts is not None:  # None ends the stream
                self._last_audio_time = float(packet.dts * packet.time_base)
                on_audio(packet)

    def expected_frames(self) -> int | None:
        """How many frames the file claims to hold; None where it does not say."""
        if self._stream.frames:
            return self._stream.frames
        length = self._claimed_seconds()
        return round(length * frame_rate(self._stream)) if length else None

    def refuse_incomplete(self) -> None:
        """Raises TranslationError where the file ended long before the length it claims."""
        start = (self._reader.start_time or 0) / av.time_base
        of_file = (self._reader.duration or 0) / av.time_base
        last_time = max(self._last_frame_time, self._last_audio_time)
        claims = [(self._claimed_seconds(), self._last_frame_time), (of_file, last_time)]
        for length, end in claims:
            if length - (end - start) > max(TOLERANCE_SECONDS, 0.02 * length):
                raise TranslationError(
                    f"{self.name} ends after {end - start:.1f} s of {length:.1f} s: it is damaged "
                    "or not complete; nothing is written."
                )

    def _decoded(self, packet) -> list:
        try:
            return packet.decode()
        except av.error.FFmpegError as error:
            raise TranslationError(
                f"{self.name} is damaged after {self._last_frame_time:.1f} s ({error.strerror}); "
                "nothing is written."
            ) from error

    def _check(self, frame) -> None:
        size = frame.width, frame.height
        if self._size not in (None, size):
            raise TranslationError(f"{self.name} changes its size from {self._size} to {size} px.")
        self._size = size
        if frame.pts is None:  # an old container without timestamps
            step = 1 / (frame_rate(self._stream) * self._stream.time_base)
            frame.pts = round(self._count * step)
            frame.time_base = self._stream.time_base
        self._count += 1
        self._last_frame_time = frame.time

    def _claimed_seconds(self) -> float:
        """The length of the stream, or of the file where the stream has none; 0 without both."""
        if self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        return (self._reader.duration or 0) / av.time_base


class _Target:
    """The video that is written; its streams start with the first frame, when its size is known."""

    def __init__(self, writer, reader, crf: int):
        self._writer = writer
        self._reader = reader
        self._source = best_stream(reader)
        self._crf = crf
        self._stream: Any = None
        self._audio_streams: dict[int, Any] = {}  # by the index of the original
        self._early_audio: list[Any] = []  # packets that come before the first translated frame

    def add_audio(self, packet) -> None:
        """Copies a packet of audio."""
        if self._stream is None:
            self._early_audio.append(packet)
            return
        packet.stream = self._audio_streams[packet.stream.index]
        self._writer.mux(packet)

    def add_frame(self, frame, pixels: np.ndarray) -> None:
        """Encodes uint8 (height, width, 1 or 3) with the timestamp and color tag of `frame`."""
        height, width, _ = pixels.shape
        if self._stream is None:
            self._start_video(frame, height, width)
            self._start_audio()
        rgb = np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))
        translated = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format=self._stream.pix_fmt,
            dst_colorspace=CONVERSIONS[color_tag(frame)],
            dst_color_range=LIMITED,
        )
        translated.colorspace = color_tag(frame)
        translated.color_range = LIMITED
        translated.pts = frame.pts
        translated.time_base = frame.time_base
        self._writer.mux(self._stream.encode(translated))

    def finish(self) -> None:
        """Writes the frames that the encoder still holds."""
        self._writer.mux(self._stream.encode(None))

    def _start_video(self, frame, height: int, width: int) -> None:
        codec = CODECS[pathlib.Path(self._writer.name).suffix.lower()]
        if codec not in av.codecs_available:
            raise TranslationError(f"This package av cannot encode {codec}: try another ending.")
        codec_options = {**CODEC_OPTIONS[codec], "crf": str(self._crf)}
        rate = frame_rate(self._source)
        stream = self._writer.add_stream(codec, rate=rate, options=codec_options)
        stream.width = width
        stream.height = height
        stream.pix_fmt = "yuv420p"
        if codec == H264 and (width % 2 or height % 2):
            stream.pix_fmt = "yuv444p"
            logging.info("%dx%d has an odd side: written as 4:4:4, for few players.", width, height)
        context = stream.codec_context
        context.time_base = self._source.time_base
        aspect = self._source.sample_aspect_ratio
        if aspect:
            context.sample_aspect_ratio = 1 / aspect if quarter_turns(frame) % 2 else aspect
        context.colorspace = color_tag(frame)
        context.color_range = LIMITED
        context.color_primaries = self._source.codec_context.color_primaries
        context.color_trc = self._source.codec_context.color_trc
        self._stream = stream

    def _start_audio(self) -> None:
        streams = self._reader.streams.audio
        try:
            for stream in streams:
                copy = self._writer.add_stream_from_template(stream)
                copy.metadata.update(stream.metadata)
                self._audio_streams[stream.index] = copy
            self._writer.start_encoding()
        except (ValueError, av.error.FFmpegError) as error:
            codecs = ", ".join(stream.codec_context.name for stream in streams) or "video"
            ending = pathlib.Path(self._writer.name).suffix
            raise TranslationError(
                f"{ending} cannot hold {codecs} of {self._reader.name}: try --output=....mkv"
            ) from error
        for packet in self._early_audio:
            self.add_audio(packet)
        self._early_audio = []


def best_stream(reader):
    """Returns the video stream of a file; not a cover picture where there is a film."""
    stream = reader.streams.best("video")
    if stream is None:
        raise TranslationError(f"{reader.name} has no video stream.")
    return stream


def frame_rate(stream) -> fractions.Fraction:
    """Returns the frames a second of a stream; 25 where it is not known."""
    return stream.average_rate or stream.guessed_rate or fractions.Fraction(25)


def color_tag(frame) -> int:
    """Returns the color tag of a frame, guessed as players do where it has none."""
    if frame.colorspace in CONVERSIONS:
        return int(frame.colorspace)
    return 1 if frame.height >= HD_LINES else 6


def quarter_turns(frame) -> int:
    """Returns by how many quarter turns to the left a frame becomes upright."""
    return round(frame.rotation / 90)


def _upright(frame) -> np.ndarray:
    pixels = frame.to_ndarray(format="rgb24", src_colorspace=CONVERSIONS[color_tag(frame)])
    return np.rot90(pixels, quarter_turns(frame))
