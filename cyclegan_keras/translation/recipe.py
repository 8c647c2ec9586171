"""What is made of a picture: its translation, blended, there and back, side by side."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.images.channels import counted
from cyclegan_keras.images.form import to_rgb
from cyclegan_keras.images.picture import Picture, side_by_side
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation import numbers
from cyclegan_keras.translation.listing import CYCLE, TRANSLATION
from cyclegan_keras.translation.translator import Translator


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How pictures x become what is written.

    The translation is x + strength (G(x) - x). It is blended with the picture itself rather than
    with an identity translation F(x): strength 0 is then the picture exactly, and no second network
    is needed.

    Attributes:
        translator: G.
        back: F, to make F(G(x)) too; its input is G(x) before blending and rounding.
        strength: 0 to 1.
        side_by_side: write one picture x | translation [| F(G(x))] instead.
        bit_depth: bits a channel of what is written, 8, 16 or 32, see `numbers.written_as`; None
            leaves that to the picture and the model.

    Raises:
        TranslationError: a bit depth that no file has, F does not take what G returns, or x and
            G(x) cannot be blended, because they have other channels.
    """

    translator: Translator
    back: Translator | None = None
    strength: float = 1.0
    side_by_side: bool = False
    bit_depth: int | None = None

    def __post_init__(self):
        there = self.translator.description
        if self.bit_depth not in (None, 8, 16, 32):
            raise TranslationError(f"--bit_depth={self.bit_depth}: expected 8, 16 or 32.")
        if self.strength < 1 and not numbers.are_alike(there.input_channels, there.output_channels):
            raise TranslationError(
                f"--strength={self.strength:g} blends a picture with its translation, but the "
                f"model makes {_words(there, of_target=True)} of {_words(there)}: leave it out."
            )
        if self.back is None:
            return
        back = self.back.description
        takes = (back.input_channels, back.source_values)
        if takes != (there.output_channels, there.target_values):
            raise TranslationError(
                f"--cycle: the way there returns {_words(there, of_target=True)}, but the way back "
                f"takes {_words(back)}."
            )

    @property
    def direction(self) -> str:
        """The direction in which it translates, "AtoB" or "BtoA"."""
        return self.translator.description.direction

    @property
    def parts(self) -> tuple[str, ...]:
        """What is made of each picture, as keys of what calling returns."""
        if self.back and not self.side_by_side:
            return (TRANSLATION, CYCLE)
        return (TRANSLATION,)

    @property
    def is_batch_invariant(self) -> bool:
        """Whether a picture comes out the same, to the bit, in whatever batch it is translated."""
        return all(translator.is_batch_invariant for translator in self.translators)

    def prepare(self) -> None:
        """Makes and keeps what pictures of any size need, so that other processes find it."""
        for translator in self.translators:
            translator.prepare()

    @property
    def shows_views(self) -> bool:
        """Whether side by side there are 8-bit views, of which black to white is the range.

        So it is where the numbers of the picture and of its translation mean different things or
        are scaled for looking, and where they have different channels.
        """
        if not self.side_by_side:
            return False
        there = self.translator.description
        shown = [(there.output_channels, there.target_values)]
        if self.back is not None:
            back = self.back.description
            shown.append((back.output_channels, back.target_values))
        for channels, values in shown:
            is_convertible = numbers.are_alike(channels, there.input_channels)
            if not is_convertible or values != there.source_values:
                return True
        written, _ = numbers.written_as(there.source_values.dtype, shown[0][1], self.bit_depth)
        return written != there.source_values

    @property
    def translators(self) -> list[Translator]:
        """G, and F where it is needed."""
        return [self.translator] if self.back is None else [self.translator, self.back]

    def __call__(self, pictures: Sequence[Picture]) -> list[dict[str, Picture]]:
        """Translates pictures of one size together.

        Size, transparency and color profile stay; `numbers.written_as` says what the numbers
        become. A gray picture stays gray where the network takes colors; one that takes gray
        decides what comes out. Where a picture is wholly transparent the network sees white instead
        of the colors hidden there.

        Raises:
            PictureError: a picture has other channels than the network takes, or the network
                returns values that are not finite.
        """
        description = self.translator.description
        inputs = _stacked([numbers.network_input(picture, description) for picture in pictures])
        translated = _finite(self.translator(inputs))
        del inputs  # a large picture in float32 is the most that memory holds
        cycled: np.ndarray | list[None] = [None] * len(pictures)
        if self.back is not None:
            cycled = _finite(self.back(translated))
        return [
            self._finished(picture, there, back)
            for picture, there, back in zip(pictures, translated, cycled, strict=True)
        ]

    def _finished(
        self, picture: Picture, translated: np.ndarray, cycled: np.ndarray | None
    ) -> dict[str, Picture]:
        target = self.translator.description.target_values
        results = [self._as_picture(picture, translated, target, self.strength)]
        if cycled is not None:
            target = self.back.description.target_values
            results.append(self._as_picture(picture, cycled, target, 1.0))
        if self.side_by_side:
            results = [side_by_side([self._beside(picture, results[0]), *results])]
        return dict(zip(self.parts, results, strict=True))

    def _as_picture(
        self, picture: Picture, translated: np.ndarray, target: Values, strength: float
    ) -> Picture:
        """Returns what a network made as a picture with all that the file of `picture` knew.

        Args:
            picture: x.
            translated: float32 (height, width, channels) in [-1, 1].
            target: what its numbers mean.
            strength: of the blend.
        """
        source = self.translator.description
        whole = numbers.with_alpha_as_channel(picture, source)
        file_dtype = picture.pixels.dtype.name
        bit_depth = 8 if self.shows_views else self.bit_depth
        values, dtype = numbers.written_as(file_dtype, target, bit_depth)
        channels = translated.shape[-1]
        stays_gray = picture.is_gray and source.input_channels == channels == 3
        gray = stays_gray or channels == 1
        all_are_levels = (
            file_dtype in numbers.LEVELS
            and source.source_values.is_eight_bit
            and target.is_eight_bit
        )
        # Numbers of two types, such as levels and Hounsfield units, have no unit in common.
        of_one_unit = source.source_values.dtype == target.dtype
        if strength < 1 and (all_are_levels or values != target or not of_one_unit):
            translated = numbers.blended_by_range(whole, translated, strength, source)
            strength = 1.0
        if strength < 1:
            pixels = numbers.blended_numbers(
                whole, translated, strength, values=values, dtype=dtype, gray=gray
            )
        else:
            pixels = numbers.from_network(translated, values=values, dtype=dtype, gray=gray)
        if self.shows_views and not gray:
            pixels = to_rgb(pixels)
        return _with_pixels(picture, pixels, alpha_is_channel=whole is not picture)

    def _beside(self, picture: Picture, result: Picture) -> Picture:
        """Returns x as it is shown beside a translation, in the type of that."""
        source = self.translator.description
        whole = numbers.with_alpha_as_channel(picture, source)
        if self.shows_views:
            pixels = to_rgb(numbers.on_network_scale(whole, source, source.input_channels))
        else:
            dtype = result.pixels.dtype.name
            pixels = numbers.numbers_of(whole, source.source_values, dtype)
        return _with_pixels(picture, pixels, alpha_is_channel=whole is not picture)


def translate_picture(translator: Translator, picture: Picture, strength: float = 1.0) -> Picture:
    """Returns the translation of one picture, of its size and transparency.

    Example:
        >>> from cyclegan_keras.models.resnet_generator import ResNetGenerator
        >>> generator = ResNetGenerator(ngf=4, n_blocks=1)
        >>> translator = Translator(generator, generator.description)
        >>> gray = Picture(pixels=np.zeros((5, 9, 1), "uint8"))
        >>> translate_picture(translator, gray).pixels.shape
        (5, 9, 1)
    """
    (parts,) = Recipe(translator=translator, strength=strength)([picture])
    return parts[TRANSLATION]


def _with_pixels(picture: Picture, pixels: np.ndarray, *, alpha_is_channel: bool) -> Picture:
    """Returns a picture with other pixels, and with what its file knew as far as that fits them.

    Args:
        picture: the one that is translated.
        pixels: of its size, of any type and channels.
        alpha_is_channel: whether the network was given the transparency of `picture` as a channel;
            the last of the new channels is the new transparency then.
    """
    channels = pixels.shape[-1]
    dtype = pixels.dtype.name
    if alpha_is_channel and channels in (2, 4) and dtype in numbers.LEVELS:
        return dataclasses.replace(picture, pixels=pixels[..., :-1], alpha=pixels[..., -1])
    if channels in (1, 3) and dtype in numbers.LEVELS:
        alpha = None if picture.alpha is None else picture.at_depth(8 * pixels.itemsize).alpha
        return dataclasses.replace(picture, pixels=pixels, alpha=alpha)
    # Bands and numbers of other kinds are no colors, so that no profile fits them.
    notes = picture.notes
    if picture.alpha is not None and not alpha_is_channel:
        what = f"Numbers of {dtype}" if channels in (1, 3) else "Bands"
        notes = (*notes, f"{what} have no transparency: it is left out.")
    return Picture(pixels=pixels, notes=notes)


def _words(description: Description, *, of_target: bool = False) -> str:
    channels, values = description.input_channels, description.source_values
    if of_target:
        channels, values = description.output_channels, description.target_values
    return f"{counted(channels)} of {values.words}"


def _stacked(values: list[np.ndarray]) -> np.ndarray:
    return values[0][None] if len(values) == 1 else np.stack(values)  # stacking copies


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise PictureError("The model returns values that are not finite.")
    return values
