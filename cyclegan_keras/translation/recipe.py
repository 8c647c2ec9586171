"""What is made of a picture: its translation, blended, there and back, side by side."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.images.picture import Picture, side_by_side
from cyclegan_keras.translation.translator import Translator

TRANSLATION, CYCLE = "", "_cycle"  # what is appended to the names of their files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How pictures x become what is written.

    The translation is x + strength (G(x) - x). It is blended with the picture itself rather than
    with an identity translation F(x): strength 0 is then the picture exactly, and no second network
    is needed.

    Attributes:
        translator: G.
        back: F, where F(G(x)) is wanted too; it sees G(x) before blending and rounding.
        strength: 0 to 1.
        side_by_side: write one picture x | translation [| F(G(x))] instead.

    Raises:
        TranslationError: a network that takes or gives neither grey nor RGB.
    """

    translator: Translator
    back: Translator | None = None
    strength: float = 1.0
    side_by_side: bool = False

    def __post_init__(self):
        for translator in filter(None, (self.translator, self.back)):
            told = translator.description
            if not {told.input_channels, told.output_channels} <= {1, 3}:
                raise TranslationError(
                    f"The model translates {told.input_channels} to {told.output_channels} "
                    "channels, but pictures have 1 (grey) or 3 (RGB)."
                )

    @property
    def parts(self) -> tuple[str, ...]:
        """What comes of each picture, as keys of what calling returns."""
        return (TRANSLATION, CYCLE) if self.back and not self.side_by_side else (TRANSLATION,)

    @property
    def is_batch_proof(self) -> bool:
        """Whether no file tells which pictures were translated together."""
        return all(each.is_batch_proof for each in (self.translator, self.back) if each)

    def __call__(self, pictures: Sequence[Picture]) -> list[dict[str, Picture]]:
        """Translates pictures of one size together.

        Size, bit depth, transparency and colour profile stay. A grey picture stays grey where the
        network takes colours; one that takes grey decides what comes out. Where a picture is
        wholly transparent the network sees white instead of the colours hidden there.

        Raises:
            PictureError: the network returns values that are not finite.
        """
        told = self.translator.description
        seen = _stacked([_visible(picture, told.input_channels) for picture in pictures])
        translated = _finite(self.translator(seen))
        del seen  # a large picture in float32 is the most that memory holds
        cycled = _finite(self.back(translated)) if self.back else [None] * len(pictures)
        return [self._finished(*each) for each in zip(pictures, translated, cycled, strict=True)]

    def _finished(self, picture, translated, cycled):
        stays_gray = picture.is_gray and self.translator.description.input_channels == 3
        gray = translated.shape[-1] == 1 or stays_gray
        results = [picture.with_values(translated, gray=gray, strength=self.strength)]
        if cycled is not None:
            gray = cycled.shape[-1] == 1 or stays_gray
            results.append(picture.with_values(cycled, gray=gray))
        if self.side_by_side:
            results = [side_by_side([picture, *results])]
        return dict(zip(self.parts, results, strict=True))


def translate_picture(translator: Translator, picture: Picture, strength: float = 1.0) -> Picture:
    """Returns the translation of one picture, of its size, depth and transparency.

    Example:
        >>> from cyclegan_keras.models import ResNetGenerator
        >>> generator = ResNetGenerator(ngf=4, n_blocks=1)
        >>> translator = Translator(generator, generator.description)
        >>> grey = Picture(pixels=np.zeros((5, 9, 1), "uint8"))
        >>> translate_picture(translator, grey).pixels.shape
        (5, 9, 1)
    """
    return Recipe(translator=translator, strength=strength)([picture])[0][TRANSLATION]


def _visible(picture: Picture, channels: int) -> np.ndarray:
    values = picture.values(channels)
    if picture.alpha is not None:
        values[picture.alpha == 0] = 1.0
    return values


def _stacked(values: list[np.ndarray]) -> np.ndarray:
    return values[0][None] if len(values) == 1 else np.stack(values)


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise PictureError("The model returns values that are not finite.")
    return values
