"""Translates a video frame by frame: order, timestamps, audio and size stay."""

import errno
import fractions
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import TranslationError, WriteError
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.translation.progress import progress_bar
from cyclegan_keras.translation.recipe import TRANSLATION, Recipe
from cyclegan_keras.translation.video_colours import LIMITED, matrix, tag

try:
    import av
except ImportError:  # the extra [video] is not installed
    av = None

CODECS = {**dict.fromkeys((".mp4", ".m4v", ".mov", ".mkv"), "libx264"), ".webm": "libvpx-vp9"}
SETTINGS = {"libx264": {}, "libvpx-vp9": {"b:v": "0", "row-mt": "1"}}
TO_START_AT_ONCE = {"movflags": "faststart"}  # the index comes first, for players on the web
BATCH_PIXELS, LARGEST_BATCH = 2**18, 8
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SLACK_SECONDS = 1.0  # by which a container's word about its length may be wrong


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

    Frames keep their order and timestamps, the picture its size, pixel aspect and colour tags.
    What a rotation tag says is done, and the tag left out, as are subtitles.

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
    if target.suffix.lower() not in CODECS:
        raise TranslationError(f"--output={target}: videos can be written as {', '.join(CODECS)}.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(source)) as reader, atomic_write(target) as temporary:
            fast = TO_START_AT_ONCE if target.suffix.lower() in (".mp4", ".m4v", ".mov") else {}
            with av.open(str(temporary), "w", options=fast) as writer:
                return _Film(reader, writer, recipe, crf).translate(batch_size, stopped)
    except _Stopped:
        return None
    except (OSError, av.error.FFmpegError) as error:
        if error.errno in FULL_DISK or not isinstance(error, av.error.FFmpegError):
            raise WriteError(f"Cannot write {target}: {error.strerror}.") from error
        raise TranslationError(f"{source} is damaged or no video: {error.strerror}.") from error


class _Film:
    """One video on its way from a reader to a writer."""

    def __init__(self, reader, writer, recipe: Recipe, crf: int):
        self.reader, self.writer, self.recipe, self.crf = reader, writer, recipe, crf
        self.source = reader.streams.best("video")  # no cover picture, where there is a film
        if self.source is None:
            raise TranslationError(f"{reader.name} has no video stream.")
        self.source.thread_type = "AUTO"
        self.rate = self.source.average_rate or self.source.guessed_rate or fractions.Fraction(25)
        self.target = None  # made when the first frame tells its size
        self.audio = {}
        self.waiting = []  # audio packets that come before the first translated frame
        self.shape, self.seen = None, 0
        self.last_time = self.last_sound = 0.0  # in seconds

    def translate(self, batch_size: int | None, stopped: Callable[[], bool]) -> int:
        """Writes the whole video; returns the number of frames."""
        count = 0
        with progress_bar(self._expected_frames(), "frame") as bar:
            for frames in self._batches(batch_size):
                if stopped():
                    raise _Stopped
                for frame, picture in zip(frames, self._translated(frames), strict=True):
                    self._write(frame, picture)
                count += len(frames)
                bar.update(len(frames))
        if not count:
            raise TranslationError(f"{self.reader.name} holds no frame that can be read.")
        self._refuse_torn()
        self.writer.mux(self.target.encode(None))
        return count

    def _batches(self, batch_size: int | None) -> Iterator[list]:
        batch = []
        for frame in self._frames():
            batch.append(frame)
            pixels = frame.width * frame.height
            limit = batch_size or min(max(BATCH_PIXELS // pixels, 1), LARGEST_BATCH)
            if len(batch) >= limit:
                yield batch
                batch = []
        if batch:
            yield batch

    def _frames(self) -> Iterator:
        audio = self.reader.streams.audio
        for packet in self.reader.demux(self.source, *audio):
            if packet.stream is not self.source:
                if packet.dts is not None:  # None ends the stream
                    self.last_sound = float(packet.dts * packet.time_base)
                    self._pass_on(packet)
                continue
            for frame in self._decoded(packet):
                self._check(frame)
                yield frame

    def _decoded(self, packet) -> list:
        try:
            return packet.decode()
        except av.error.FFmpegError as error:
            raise TranslationError(
                f"{self.reader.name} is damaged after {self.last_time:.1f} s ({error.strerror}); "
                "nothing is written."
            ) from error

    def _check(self, frame) -> None:
        shape = frame.width, frame.height
        if self.shape not in (None, shape):
            raise TranslationError(
                f"{self.reader.name} changes its size from {self.shape} to {shape} px on the way."
            )
        self.shape = shape
        if frame.pts is None:  # an old container without timestamps
            step = 1 / (self.rate * self.source.time_base)
            frame.pts, frame.time_base = round(self.seen * step), self.source.time_base
        self.seen += 1
        self.last_time = frame.time

    def _translated(self, frames) -> list[np.ndarray]:
        pictures = [Picture(pixels=self._upright(frame)) for frame in frames]
        made = [parts[TRANSLATION].pixels for parts in self.recipe(pictures)]
        return [np.ascontiguousarray(np.broadcast_to(p, (*p.shape[:2], 3))) for p in made]

    def _upright(self, frame) -> np.ndarray:
        pixels = frame.to_ndarray(format="rgb24", src_colorspace=matrix(frame))
        return np.rot90(pixels, round(frame.rotation / 90))

    def _write(self, frame, pixels: np.ndarray) -> None:
        if self.target is None:
            self._start(frame, *pixels.shape[:2])
        translated = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        translated = translated.reformat(
            format=self.target.pix_fmt, dst_colorspace=matrix(frame), dst_color_range=LIMITED
        )
        translated.colorspace, translated.color_range = tag(frame), LIMITED
        translated.pts, translated.time_base = frame.pts, frame.time_base
        self.writer.mux(self.target.encode(translated))

    def _start(self, frame, height: int, width: int) -> None:
        codec = CODECS[pathlib.Path(self.writer.name).suffix.lower()]
        if codec not in av.codecs_available:
            raise TranslationError(f"This package av cannot encode {codec}: try another ending.")
        settings = {**SETTINGS[codec], "crf": str(self.crf)}
        self.target = stream = self.writer.add_stream(codec, rate=self.rate, options=settings)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        if codec == "libx264" and (width % 2 or height % 2):
            stream.pix_fmt = "yuv444p"
            logging.info("%dx%d has an odd side: written as 4:4:4, for few players.", width, height)
        context = stream.codec_context
        context.time_base = self.source.time_base
        if aspect := self.source.sample_aspect_ratio:
            lying = round(frame.rotation / 90) % 2
            context.sample_aspect_ratio = 1 / aspect if lying else aspect
        tags = self.source.codec_context
        context.colorspace, context.color_range = tag(frame), LIMITED
        context.color_primaries, context.color_trc = tags.color_primaries, tags.color_trc
        self._add_audio()

    def _add_audio(self) -> None:
        streams = self.reader.streams.audio
        try:
            for stream in streams:
                self.audio[stream.index] = self.writer.add_stream_from_template(stream)
                self.audio[stream.index].metadata.update(stream.metadata)
            self.writer.start_encoding()
        except (ValueError, av.error.FFmpegError) as error:
            codecs = ", ".join(stream.codec_context.name for stream in streams) or "video"
            ending = pathlib.Path(self.writer.name).suffix
            raise TranslationError(
                f"{ending} cannot hold {codecs} of {self.reader.name}: try --output=....mkv"
            ) from error
        for packet in self.waiting:
            self._pass_on(packet)
        self.waiting = []

    def _pass_on(self, packet) -> None:
        if self.target is None:
            self.waiting.append(packet)
            return
        packet.stream = self.audio[packet.stream.index]
        self.writer.mux(packet)

    def _expected_frames(self) -> int | None:
        if self.source.frames:
            return self.source.frames
        length = self._length()
        return round(length * self.rate) if length else None

    def _length(self) -> float:
        """What the file says of its length in seconds; 0 where it says nothing."""
        if self.source.duration:
            return float(self.source.duration * self.source.time_base)
        return (self.reader.duration or 0) / av.time_base

    def _refuse_torn(self) -> None:
        start = (self.reader.start_time or 0) / av.time_base
        whole = (self.reader.duration or 0) / av.time_base
        ends = {self._length(): self.last_time, whole: max(self.last_time, self.last_sound)}
        for length, end in ends.items():
            if length - (end - start) > max(SLACK_SECONDS, 0.02 * length):
                raise TranslationError(
                    f"{self.reader.name} ends after {end - start:.1f} s of {length:.1f} s: it is "
                    "damaged or not complete; nothing is written."
                )
