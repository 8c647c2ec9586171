"""The flags that a mistyped one may have meant."""

import difflib
from collections.abc import Iterable

ALIKE = 0.8  # least likeness of two words, from 0 to 1
WRITTEN_ALIKE = 0.9  # the same of two whole names without their underscores


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Returns the known names that a mistyped one may have meant, the likeliest first.

    A name is meant if it has the same words, but for typing errors, or all of the typed words and
    more: `learing_rate` means `learning_rate`, and `epochs` may mean `n_epochs`. A word that is
    merely like another one means nothing else: neither does `model` mean `gan_mode`, nor `beta_2`
    `beta_1`.

    Example:
        >>> nearest("learing_rate", ["learning_rate", "lr_policy"])
        ['learning_rate']
        >>> nearest("model", ["gan_mode", "method"])
        []
    """
    found = [each for each in known if _may_mean(name.lower(), each.lower())]
    return sorted(found, key=lambda each: -_likeness(name, each))


def _may_mean(typed: str, known: str) -> bool:
    typed_words, known_words = typed.split("_"), known.split("_")
    if len(typed_words) == len(known_words):
        pairs = zip(typed_words, known_words, strict=True)
        has_same_words = all(_is_mistyped(word, meant) for word, meant in pairs)
    else:
        singular = [word.removesuffix("s") for word in known_words]
        has_same_words = all(word.removesuffix("s") in singular for word in typed_words)
    is_written_alike = _likeness(typed.replace("_", ""), known.replace("_", "")) >= WRITTEN_ALIKE
    return has_same_words or is_written_alike


def _is_mistyped(typed: str, meant: str) -> bool:
    """Returns whether a word may stand for another one."""
    if len(meant) == 1:  # num_epochs means n_epochs
        return typed.startswith(meant)
    return _likeness(typed, meant) >= ALIKE or sorted(typed) == sorted(meant)


def _likeness(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()
