"""A section of the page that another program fills: sentences, tables and a picture."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Cells of text below a heading.

    Attributes:
        heading: in words.
        header: of the columns; the first one names the rows.
        rows: as many cells each.
    """

    heading: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """What a section shows, from top to bottom; what is empty is left out.

    Attributes:
        title: its heading.
        paragraphs: of text.
        picture: uint8 (height, width, 3).
        picture_words: what the picture shows, for those who cannot see it and as its caption.
        tables: of text.
        facts: name -> fact, folded away.
        notes: sentences, folded away below the facts.
    """

    title: str
    paragraphs: Sequence[str] = ()
    picture: np.ndarray | None = None
    picture_words: str = ""
    tables: Sequence[Table] = ()
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()
