"""Pictures that show the same with small differences: scaled, recompressed, brighter, mirrored.

Perceptual hashes (imagehash, an extra) propose pairs, since they are compared quickly. They alone
are wrong too often: of the drawn ponies one pair in a thousand has equal hashes. So the thumbnails
of a pair are correlated as well, and have to be much more alike than other pictures of the domain.
"""

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from cyclegan_keras.data_doctor import limits
from cyclegan_keras.data_doctor.measures import Measures
from cyclegan_keras.data_doctor.sets import PictureSet, Place

ROWS = 128  # hashes that are compared with all others at a time
PAIRS = 50_000  # whose thumbnails are compared at a time
MOST_PAIRS = 20_000  # after which the search ends
BITS_OF = np.array([bin(number).count("1") for number in range(2**16)], np.uint8)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Near:
    """Two pictures that show nearly the same.

    Attributes:
        first: in the order of places.
        second: the other one.
        distance: bits of 64 in which their hashes differ.
        difference: 1 - correlation of their thumbnails, from 0.
        is_mirrored: whether one of them shows the mirror image of the other.
    """

    first: Place
    second: Place
    distance: int
    difference: float
    is_mirrored: bool = False


def is_available() -> bool:
    """Whether imagehash is installed."""
    return importlib.util.find_spec("imagehash") is not None


def find_near_duplicates(
    sets: Mapping[str, PictureSet],
    measures: Mapping[Place, Measures],
    *,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> list[Near]:
    """Returns the pairs of pictures that show nearly the same, the most alike first.

    Pairs of equal pixels are left out, and so are those that are meant: partners of one scene.

    Args:
        sets: by name.
        measures: of the pictures to compare; none of them is blank.
        seed: of the pairs by which is found out how alike pictures of a domain are.
        stop: is asked now and then; where it returns True, the pairs found so far are returned.
    """
    places = sorted(measures)
    if len(places) < 2:
        return []
    pixels = np.stack([measures[place].thumbnail for place in places])
    digests = np.array([measures[place].digest for place in places], "S16")
    thumbnails, hashes = _normalized(pixels), _hashes(pixels)
    domains = np.array([sets[place.set_name].domain for place in places])
    most = np.zeros(len(places))
    for domain in sorted(set(domains)):
        members = np.flatnonzero(domains == domain)
        most[members] = _most_difference(thumbnails, digests, members, seed)

    near: dict[tuple[int, int], Near] = {}
    for is_mirrored in (False, True):
        others, hashes_of_others = thumbnails, hashes
        if is_mirrored:
            mirrored = np.ascontiguousarray(pixels[:, :, ::-1])
            others, hashes_of_others = _normalized(mirrored), _hashes(mirrored)
        for top in range(0, len(places), ROWS):
            if stop() or len(near) >= MOST_PAIRS:
                break
            bits = _different_bits(hashes[top : top + ROWS, None], hashes_of_others[None, top:])
            first, second = np.nonzero(bits <= limits.HASH_BITS)
            is_new = first < second
            first, second = first[is_new] + top, second[is_new] + top
            for start in range(0, len(first), PAIRS):
                a, b = first[start : start + PAIRS], second[start : start + PAIRS]
                difference = 1 - np.einsum("ij,ij->i", thumbnails[a], others[b])
                is_near = difference <= np.minimum(most[a], most[b])
                is_near &= digests[a] != digests[b]
                for i, j, value in zip(a[is_near], b[is_near], difference[is_near], strict=True):
                    if (i, j) in near or _are_partners(sets, places[i], places[j]):
                        continue
                    near[i, j] = Near(
                        first=places[i],
                        second=places[j],
                        distance=int(bits[i - top, j - top]),
                        difference=max(0.0, float(value)),
                        is_mirrored=is_mirrored,
                    )
    return sorted(near.values(), key=lambda pair: (pair.difference, pair.first, pair.second))


def _are_partners(sets: Mapping[str, PictureSet], first: Place, second: Place) -> bool:
    is_partner = sets[first.set_name].partners == second.set_name
    return is_partner and first.number == second.number


def _hashes(thumbnails: np.ndarray) -> np.ndarray:
    """Returns the perceptual hash of each thumbnail as uint64."""
    import imagehash  # an extra

    packed = [np.packbits(imagehash.phash(Image.fromarray(each)).hash) for each in thumbnails]
    return np.stack(packed).view(np.uint64)[:, 0]


def _normalized(thumbnails: np.ndarray) -> np.ndarray:
    """Returns float32 rows of mean 0 and length 1, whose products are correlations."""
    rows = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows


def _different_bits(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    different = one ^ other
    if hasattr(np, "bitwise_count"):  # since NumPy 2
        return np.bitwise_count(different)
    parts = different[..., None].view(np.uint16)
    return BITS_OF[parts].sum(axis=-1, dtype=np.uint8)


def _most_difference(
    thumbnails: np.ndarray, digests: np.ndarray, members: np.ndarray, seed: int
) -> float:
    """Returns how far two pictures of a domain may differ to be near-duplicates."""
    count = len(members)
    random = np.random.default_rng(seed)
    if count * (count - 1) // 2 <= limits.PAIRS_SAMPLED:
        a, b = np.triu_indices(count, 1)
    else:
        a, b = random.integers(0, count, (2, limits.PAIRS_SAMPLED))
    a, b = members[a], members[b]
    is_pair = digests[a] != digests[b]
    if not is_pair.any():
        return limits.NEAR
    difference = 1 - np.einsum("ij,ij->i", thumbnails[a[is_pair]], thumbnails[b[is_pair]])
    usual = float(np.percentile(difference, 10))
    return min(limits.NEAR, limits.NEAR_SHARE * usual)
