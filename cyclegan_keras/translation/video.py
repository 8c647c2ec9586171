"""Translates a video frame by frame: order, timestamps, audio and size stay."""

import fractions
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from absl import logging

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.translation.job import automatic_batch_size, progress_bar
from cyclegan_keras.translation.listing import TRANSLATION
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.video_color import Colors, colors_of, rgb_of, to_8_bits
from cyclegan_keras.translation.video_writing import (
    Frame,
    VideoWriter,
    refuse_unwritable,
    video_to_write,
)

try:
    import av
except ImportError:  # the extra [video] is not installed
    av = None

LARGEST_BATCH = 8
TOLERANCE_SECONDS = 1.0  # by which the length that a container claims may be wrong


class Stopped(Exception):  # noqa: N818
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

    Frames keep their order and timestamps, the picture its size and pixel aspect. The network sees
    HDR and wide gamuts as BT.709, and so they are written; other color tags stay. A rotation tag is
    applied and left out, and so are subtitles left out.

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
        TranslationError: no video, a damaged one, one whose colors cannot be read, or an ending
            that cannot be written or hold the audio; nothing is written then.
        WriteError: the disk is full, for example.
    """
    refuse_unwritable(target)
    try:
        with video_to_write(source, target) as container, av.open(str(source)) as reader:
            stream = best_stream(reader)
            writer = VideoWriter(
                container,
                name=reader.name,
                rate=frame_rate(stream),
                crf=crf,
                audio=reader.streams.audio,
            )
            return _translate_frames(
                _Source(reader),
                writer,
                recipe,
                batch_size=batch_size,
                stopped=stopped,
            )
    except Stopped:
        return None


def _translate_frames(
    source: "_Source",
    writer: VideoWriter,
    recipe: Recipe,
    *,
    batch_size: int | None,
    stopped: Callable[[], bool],
) -> int:
    """Writes the whole video; returns the number of frames."""

    def limit(frame) -> int:
        return batch_size or min(automatic_batch_size(frame.height, frame.width), LARGEST_BATCH)

    batches = batches_by_shape(
        source.frames(on_audio=writer.add_audio),
        shape=lambda frame: (frame.height, frame.width),
        limit=limit,
    )
    count = 0
    with progress_bar(source.expected_frames(), "frame") as bar:
        for frames in batches:
            if stopped():
                raise Stopped
            pictures = [Picture(pixels=source.upright_pixels(frame)) for frame in frames]
            translated = recipe(pictures)
            for frame, parts in zip(frames, translated, strict=True):
                writer.add_frame(source.described(frame, parts[TRANSLATION].pixels))
            count += len(frames)
            bar.update(len(frames))
    if not count:
        raise TranslationError(f"{source.name} holds no frame that can be read.")
    source.refuse_incomplete()
    writer.finish()
    return count


class _Source:
    """The frames and the audio of a video that is read."""

    def __init__(self, reader):
        self.name = reader.name
        self._reader = reader
        self._stream = best_stream(reader)
        self._stream.thread_type = "AUTO"
        self._size: tuple[int, int] | None = None  # width and height, known from the first frame
        self._written: Colors | None = None  # of the translation, by those of the first frame
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

    def upright_pixels(self, frame) -> np.ndarray:
        """Returns what a network sees of a frame, uint8 or uint16 (height, width, 3)."""
        colors = colors_of(frame, self._stream.codec_context, self.name)
        if self._written is None:
            self._written = colors.written
            if colors.is_converted:
                logging.info("%s %s", self.name, colors.sentence)
        return np.rot90(rgb_of(frame, colors), quarter_turns(frame))

    def described(self, frame, pixels: np.ndarray) -> Frame:
        """Returns the translation of a frame as it is written.

        Args:
            frame: the original.
            pixels: its translation, uint8 or uint16 (height, width, 1 or 3).
        """
        aspect = self._stream.sample_aspect_ratio
        if aspect and quarter_turns(frame) % 2:
            aspect = 1 / aspect
        return Frame(
            pixels=to_8_bits(pixels),
            colors=self._written,
            pts=frame.pts,
            time_base=frame.time_base,
            aspect=aspect,
        )

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


def best_stream(reader):
    """Returns the video stream of a file; not a cover picture where there is a film."""
    stream = reader.streams.best("video")
    if stream is None:
        raise TranslationError(f"{reader.name} has no video stream.")
    return stream


def frame_rate(stream) -> fractions.Fraction:
    """Returns the frames a second of a stream; 25 where it is not known."""
    return stream.average_rate or stream.guessed_rate or fractions.Fraction(25)


def quarter_turns(frame) -> int:
    """Returns by how many quarter turns to the left a frame becomes upright."""
    return round(frame.rotation / 90)
