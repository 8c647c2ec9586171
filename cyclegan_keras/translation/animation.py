"""Translates an animated picture frame by frame, into an animation or a video."""

import contextlib
import fractions
import pathlib
from collections.abc import Callable, Iterator
from typing import Protocol

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.images.animation import (
    QUALITY,
    WRITERS,
    Animation,
    animation_writer,
    milliseconds_shown,
    open_animation,
)
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.reading import MOST_PIXELS
from cyclegan_keras.translation.job import automatic_batch_size, progress_bar
from cyclegan_keras.translation.listing import TRANSLATION
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.video import LARGEST_BATCH, Stopped
from cyclegan_keras.translation.video_color import SRGB_COLORS, to_8_bits
from cyclegan_keras.translation.video_writing import Frame, VideoWriter, video_to_write

TIME_BASE = fractions.Fraction(1, 90000)  # of videos, in seconds


def translate_animation(
    source: pathlib.Path,
    target: pathlib.Path,
    recipe: Recipe,
    *,
    quality: int = QUALITY,
    crf: int = 18,
    batch_size: int | None = None,
    most_pixels: int = MOST_PIXELS,
    stopped: Callable[[], bool] = lambda: False,
) -> int | None:
    """Translates all frames of an animated picture.

    An animation keeps how long each frame is shown, how often all are, the size, and transparency.
    A video keeps the times, and lies over white where the picture is transparent.

    Args:
        source: an animated GIF, WebP, PNG or AVIF.
        target: an ending of `cyclegan_keras.images.animation.WRITERS` makes an animation, others a
            video. It appears when it is whole.
        recipe: what to make of each frame; its translation is written.
        quality: 1 to 100, of WebP.
        crf: constant rate factor of videos, lower is better and larger.
        batch_size: frames to translate together; None chooses by their size.
        most_pixels: frames with more are refused.
        stopped: asked before each batch; True ends it and writes nothing.

    Returns:
        The number of frames, or None when it was stopped.

    Raises:
        PictureError: the animation is damaged, or too large for the format of the target; nothing
            is written then.
        TranslationError: no such file can be written.
        WriteError: the disk is full, for example.
    """
    try:
        with open_animation(source, most_pixels=most_pixels) as animation:
            if target.suffix.lower() in WRITERS:
                sink = _animation_sink(target, animation.plays, quality)
            else:
                sink = _video_sink(source, target, crf)
            with sink as add:
                return _translate_frames(animation, add, recipe, batch_size, stopped)
    except Stopped:
        return None


class _Add(Protocol):
    """Takes a translated frame and how many milliseconds it is shown."""

    def __call__(self, picture: Picture, milliseconds: float) -> None: ...


def _translate_frames(
    animation: Animation,
    add: _Add,
    recipe: Recipe,
    batch_size: int | None,
    stopped: Callable[[], bool],
) -> int:
    """Writes all frames; returns their number."""
    width, height = animation.size
    limit = batch_size or min(automatic_batch_size(height, width), LARGEST_BATCH)
    batches = batches_by_shape(
        animation.frames(),
        shape=lambda item: item[0].pixels.shape,
        limit=lambda item: limit,
    )
    with progress_bar(animation.count, "frame") as bar:
        for items in batches:
            if stopped():
                raise Stopped
            translated = recipe([picture for picture, _ in items])
            for (_, milliseconds), parts in zip(items, translated, strict=True):
                add(parts[TRANSLATION], milliseconds)
            bar.update(len(items))
    return animation.count


@contextlib.contextmanager
def _animation_sink(target: pathlib.Path, plays: int, quality: int) -> Iterator[_Add]:
    """Yields what writes a frame; the file appears when the block succeeds."""
    make_folder(target.parent)
    with atomic_write(target) as temporary, open(temporary, "wb") as file:
        writer = animation_writer(target, file, plays=plays, quality=quality)
        yield writer.add
        writer.finish()
        file.flush()


@contextlib.contextmanager
def _video_sink(source: pathlib.Path, target: pathlib.Path, crf: int) -> Iterator[_Add]:
    """Yields what writes a frame; the video appears when the block succeeds."""
    writer: VideoWriter | None = None
    elapsed = 0.0  # milliseconds

    def ticks(milliseconds: float) -> int:
        return round(milliseconds / 1000 / TIME_BASE)

    with video_to_write(source, target) as container:

        def add(picture: Picture, milliseconds: float) -> None:
            nonlocal writer, elapsed
            shown = milliseconds_shown(milliseconds)
            if writer is None:
                rate = fractions.Fraction(1000 / shown).limit_denominator(1000)
                writer = VideoWriter(container, name=str(source), rate=rate, crf=crf)
            begin = ticks(elapsed)
            elapsed += shown
            frame = Frame(
                pixels=to_8_bits(picture.over_white().pixels),
                colors=SRGB_COLORS,
                pts=begin,
                time_base=TIME_BASE,
                duration=ticks(elapsed) - begin,
            )
            writer.add_frame(frame)

        yield add
        if writer is None:
            raise TranslationError(f"{source} holds no frame that can be read.")
        writer.finish()
