"""Which pictures of two folders belong together."""

import os

from cyclegan_keras.files.errors import DataError, first_few
from pipelines.sources.files import FilePictures, ListedPictures


def partners(
    folder_a: str | os.PathLike, folder_b: str | os.PathLike
) -> tuple[ListedPictures, ListedPictures]:
    """Puts the pictures of two folders together by name: sub-folder and stem, whatever the ending.

    Returns:
        All of A and all of B, in one order.

    Raises:
        DataError: a picture has no partner or several.
    """
    a, b = FilePictures(folder_a), FilePictures(folder_b)
    places_a, places_b = _by_stem(a, folder_a), _by_stem(b, folder_b)
    alone = [a.names[place] for stem, place in places_a.items() if stem not in places_b]
    alone += [b.names[place] for stem, place in places_b.items() if stem not in places_a]
    if alone:
        raise DataError(
            f"{folder_a} with {len(a)} and {folder_b} with {len(b)} pictures are no pairs: "
            f"{first_few(alone)} without a partner. Both sides of a pair need one name, whatever "
            "the ending: rename or remove these."
        )
    order = [places_b[stem] for stem in places_a]
    return a, ListedPictures([b.names[i] for i in order], [b.paths[i] for i in order])


def _by_stem(pictures: FilePictures, folder: str | os.PathLike) -> dict[str, int]:
    places = {}
    for place, path in enumerate(pictures.paths):
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in places:
            raise DataError(
                f"{pictures.names[places[stem]]} and {pictures.names[place]} have one name, so "
                "that it is open which of them is half of a pair: rename or remove one."
            )
        places[stem] = place
    return places
