"""What is made of a picture: its translation, blended, there and back, side by side."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.images.picture import Picture, side_by_side
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

    Raises:
        TranslationError: a network that takes or returns neither gray nor RGB.
    """

    translator: Translator
    back: Translator | None = None
    strength: float = 1.0
    side_by_side: bool = False

    def __post_init__(self):
        for translator in self._translators:
            described = translator.description
            for channels in (described.input_channels, described.output_channels):
                if channels not in (1, 3):
                    raise TranslationError(
                        f"The model translates {described.input_channels} to "
                        f"{described.output_channels} channels, but pictures have 1 (gray) or 3 "
                        "(RGB)."
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
        return all(translator.is_batch_invariant for translator in self._translators)

    @property
    def _translators(self) -> list[Translator]:
        return [self.translator] if self.back is None else [self.translator, self.back]

    def __call__(self, pictures: Sequence[Picture]) -> list[dict[str, Picture]]:
        """Translates pictures of one size together.

        Size, bit depth, transparency and color profile stay. A gray picture stays gray where the
        network takes colors; one that takes gray decides what comes out. Where a picture is wholly
        transparent the network sees white instead of the colors hidden there.

        Raises:
            PictureError: the network returns values that are not finite.
        """
        channels = self.translator.description.input_channels
        inputs = _stacked([_visible_values(picture, channels) for picture in pictures])
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
        stays_gray = picture.is_gray and self.translator.description.input_channels == 3
        gray = stays_gray or translated.shape[-1] == 1
        results = [picture.with_values(translated, gray=gray, strength=self.strength)]
        if cycled is not None:
            gray = stays_gray or cycled.shape[-1] == 1
            results.append(picture.with_values(cycled, gray=gray))
        if self.side_by_side:
            results = [side_by_side([picture, *results])]
        return dict(zip(self.parts, results, strict=True))


def translate_picture(translator: Translator, picture: Picture, strength: float = 1.0) -> Picture:
    """Returns the translation of one picture, of its size, depth and transparency.

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


def _visible_values(picture: Picture, channels: int) -> np.ndarray:
    values = picture.values(channels)
    if picture.alpha is not None:
        values[picture.alpha == 0] = 1.0
    return values


def _stacked(values: list[np.ndarray]) -> np.ndarray:
    return values[0][None] if len(values) == 1 else np.stack(values)  # stacking copies


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise PictureError("The model returns values that are not finite.")
    return values
