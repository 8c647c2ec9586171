"""What is wrong with the pictures: each finding says how many, of how many, and what helps."""

import collections
import dataclasses
import types
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from cyclegan_keras.data_doctor import limits
from cyclegan_keras.data_doctor.looking import Seen
from cyclegan_keras.data_doctor.measures import Measures
from cyclegan_keras.data_doctor.near_duplicates import Near
from cyclegan_keras.data_doctor.sets import Place
from cyclegan_keras.files.advice import WITH_FEW_PICTURES
from cyclegan_keras.files.names import printable
from cyclegan_keras.images.header import Header

NAMED = 3  # pictures in a sentence
REDUNDANT = "Leave all but one of each group out: a picture that is there twice is trained twice."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """Pictures of a finding that are to be seen beside each other.

    Attributes:
        places: of the pictures.
        words: what there is to say of them, such as a distance; "" where nothing is.
    """

    places: tuple[Place, ...]
    words: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of defect, over all sets.

    Attributes:
        kind: such as "truncated"; one word, joined by underscores.
        is_serious: whether it damages a training or its measures whatever is meant by it.
        title: the kind in words.
        summary: how many, of how many looked at, in one line.
        sentence: the same, with names of the first of them and with what it means.
        advice: what helps.
        counts: set -> how many of its pictures; all that can be read where it is about a
            whole domain.
        looked_at: set -> of how many.
        groups: the pictures; empty where the finding is about a whole domain.
        to_remove: those that a training can do without. Of pictures that are equal, one is never
            among them. It is empty where it would be most of a set.
    """

    kind: str
    is_serious: bool
    title: str
    summary: str
    sentence: str
    advice: str
    counts: Mapping[str, int]
    looked_at: Mapping[str, int]
    groups: Sequence[Group] = ()
    to_remove: Sequence[Place] = ()

    @property
    def count(self) -> int:
        """How many pictures it is about."""
        return sum(self.counts.values())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What is known of the training that the pictures are for.

    Attributes:
        enlargement: (width, height) in px -> how often training enlarges such a picture.
        squashes: whether it brings every picture into the form of a square.
        size_flags: the sizes as flags, such as "--load_size=286 --crop_size=256".
        channels: how many were asked for of A and of B; None where that follows from the pictures.
        channel_flags: the flags by which they are asked for.
        value_range: what was asked for of A and of B.
    """

    enlargement: Callable[[tuple[int, int]], float]
    squashes: bool
    size_flags: str
    channels: Mapping[str, int | None]
    channel_flags: Mapping[str, str]
    value_range: Mapping[str, str]


def find_all(seen: Seen, near: Sequence[Near], training: Training) -> list[Finding]:
    """Returns all findings, the serious ones first.

    Args:
        seen: what was seen of the pictures.
        near: pairs that show nearly the same.
        training: what the pictures are for.
    """
    found = [
        *unreadable(seen),
        *truncated(seen),
        *equal_pictures(seen),
        *near_pictures(seen, near),
        *pairs(seen),
        *tiny(seen, training),
        *odd_aspect(seen, training),
        *of_single_pictures(seen),
        *colors(seen, training),
        *other_channels(seen, training),
        *mixed_numbers(seen),
        *depth_gap(seen, training),
        *narrow_ranges(seen, training),
        *few(seen),
        *imbalance(seen),
    ]
    return sorted(found, key=lambda finding: not finding.is_serious)


# ---- files ----


def unreadable(seen: Seen) -> list[Finding]:
    """Files that cannot be read as pictures at all."""
    places = [place for place, error in seen.errors.items() if not is_cut_off(error)]
    return _about_files(
        seen,
        places,
        kind="unreadable",
        title="Pictures that cannot be read",
        meaning="They are no pictures, are damaged, or need a package that is not there.",
        advice="Training leaves them out with a warning, or refuses them by --on_bad_image=error. "
        "Replace or remove them.",
    )


def truncated(seen: Seen) -> list[Finding]:
    """Files that begin like pictures and end too early."""
    places = [place for place, error in seen.errors.items() if is_cut_off(error)]
    return _about_files(
        seen,
        places,
        kind="truncated",
        title="Pictures that are cut off",
        meaning="They begin like pictures, but end too early.",
        advice="Where the header is whole, training notices only when it reaches them, and another "
        "picture then takes their place. Copy or download them again, or remove them.",
    )


def is_cut_off(error: str) -> bool:
    """Whether the reason for which a picture cannot be read is that its file ends too early."""
    words = error.lower()
    return any(word in words for word in ("truncated", "premature", "unexpected end"))


def _about_files(
    seen: Seen, places: Iterable[Place], *, kind: str, title: str, meaning: str, advice: str
) -> list[Finding]:
    places = sorted(places)
    return _of_places(
        seen,
        [Group(places=(place,), words=seen.errors[place]) for place in places],
        kind=kind,
        is_serious=True,
        title=title,
        meaning=meaning,
        advice=advice,
        looked_at=seen.tried,
        to_remove=places,
        reasons=seen.errors,
    )


# ---- equal pictures ----


def equal_pictures(seen: Seen) -> list[Finding]:
    """Pictures that are equal to others of their set, of the other domain or of the test set."""
    inside, across, leaked = [], [], []
    for group in seen.equal:
        group = tuple(place for place in group if not _is_partner_of_any(seen, place, group))
        kinds = _relations(seen, group)
        if "leak" in kinds:
            leaked.append(group)
        if "across" in kinds:
            across.append(group)
        inside += _by_set(group)
    looked_at = seen.opened if seen.measures.keys() != seen.headers.keys() else seen.tried
    return [
        *_of_places(
            seen,
            [Group(places=group, words="equal") for group in leaked],
            kind="leak",
            is_serious=True,
            title="Test pictures that are trained on",
            meaning="They are in the training set too.",
            advice="Whatever is measured on them is too good. Remove them from the training set; "
            "where that is most of it, test on other pictures.",
            looked_at=looked_at,
            to_remove=_in_training(seen, leaked),
            counted=lambda place: seen.sets[place.set_name].is_test,
        ),
        *_of_places(
            seen,
            [Group(places=group, words="equal") for group in across],
            kind="duplicates_across_domains",
            is_serious=True,
            title="Pictures that are in both domains",
            meaning="They are in A and in B alike.",
            advice=_advice_across(seen, across, looked_at),
            looked_at=looked_at,
        ),
        *_of_places(
            seen,
            [Group(places=group, words="equal") for group in inside],
            kind="duplicates",
            is_serious=False,
            title="Pictures that are there twice",
            meaning="Each is equal to another one of the same set.",
            advice=REDUNDANT,
            looked_at=looked_at,
            to_remove=_all_but_one(seen, inside),
            lists_most=True,
        ),
    ]


def _advice_across(
    seen: Seen, groups: Iterable[Sequence[Place]], looked_at: Callable[[str], int]
) -> str:
    """Returns what helps where pictures are in both domains: nearly all of a set is one mistake."""
    tally = collections.Counter(place.set_name for group in groups for place in group)
    for name, count in tally.items():
        if count >= limits.NEARLY_ALL * looked_at(name):
            return (
                f"Nearly all of {name} is in the other domain too: one folder was "
                "probably copied or linked in place of the other. Put the right pictures into it."
            )
    return (
        "No translation can turn a picture into a kind that it already is of: remove each from the "
        "domain where it does not belong. Only you know which that is."
    )


def near_pictures(seen: Seen, near: Sequence[Near]) -> list[Finding]:
    """Pictures that show nearly the same as others."""
    by_relation: dict[str, list[Near]] = {"inside": [], "across": [], "leak": []}
    for pair in near:
        for relation in _relations(seen, (pair.first, pair.second)):
            by_relation[relation].append(pair)

    def groups_of(relation: str) -> list[Group]:
        return [
            Group(
                places=(pair.first, pair.second),
                words=("mirrored, " if pair.is_mirrored else "")
                + f"hashes differ in {pair.distance} of 64 bits, "
                f"correlation {1 - pair.difference:.4f}",
            )
            for pair in by_relation[relation]
        ]

    in_training = [(pair.first, pair.second) for pair in by_relation["leak"]]
    return [
        *_of_places(
            seen,
            groups_of("leak"),
            kind="near_leak",
            is_serious=True,
            title="Test pictures that are nearly trained on",
            meaning="A training picture shows nearly the same.",
            advice="Look at them: where they are copies or frames of one film, whatever is "
            "measured on them is too good. Remove them from the training set.",
            looked_at=seen.tried,
            to_remove=_in_training(seen, in_training),
            counted=lambda place: seen.sets[place.set_name].is_test,
        ),
        *_of_places(
            seen,
            groups_of("across"),
            kind="near_duplicates_across_domains",
            is_serious=False,
            title="Pictures that are nearly in both domains",
            meaning="A picture of A and one of B show nearly the same.",
            advice="Where they are copies, remove them from the domain where they do not belong. "
            "Where they are pairs, a file of them for --pairs, or --method=pix2pix, learns more "
            "from them.",
            looked_at=seen.tried,
        ),
        *_of_places(
            seen,
            groups_of("inside"),
            kind="near_duplicates",
            is_serious=False,
            title="Pictures that are nearly there twice",
            meaning="Another one of the same set shows nearly the same.",
            advice="Look at them: leave all but one of each pair out where they are copies.",
            looked_at=seen.tried,
            to_remove=_second_ones(seen, by_relation["inside"], near),
        ),
    ]


def _relations(seen: Seen, group: Sequence[Place]) -> set[str]:
    """Returns how the pictures of a group lie to each other."""
    names = {place.set_name for place in group}
    found = set()
    if len(names) < len(group):
        found.add("inside")
    if len({seen.sets[name].is_test for name in names}) > 1:
        found.add("leak")
    for is_test in (False, True):
        domains = {seen.sets[name].domain for name in names if seen.sets[name].is_test == is_test}
        if len(domains) > 1:
            found.add("across")
    return found


def _by_set(group: Sequence[Place]) -> list[tuple[Place, ...]]:
    """Returns the pictures of a group set by set, of sets that have several of them."""
    by_set = collections.defaultdict(list)
    for place in group:
        by_set[place.set_name].append(place)
    return [tuple(places) for places in by_set.values() if len(places) > 1]


def _is_partner_of_any(seen: Seen, place: Place, group: Sequence[Place]) -> bool:
    """Whether it is the B of a pair whose A is in the group; `pairs` says so instead."""
    return seen.sets[place.set_name].domain == "B" and _partner(seen, place) in group


def _in_training(seen: Seen, groups: Iterable[Sequence[Place]]) -> list[Place]:
    chosen = {place for group in groups for place in group if not seen.sets[place.set_name].is_test}
    return sorted(chosen)


def _all_but_one(seen: Seen, groups: Iterable[Sequence[Place]]) -> list[Place]:
    """Returns all but the first picture of each group, which is of one set.

    A pair is redundant only where both of its sides are: a map may have two photographs.
    """
    first = _first_equals(seen)
    redundant = []
    for group in groups:
        kept = set()
        for place in group:
            partner = _partner(seen, place)
            shown = first.get(partner, partner)
            if shown in kept:
                redundant.append(place)
            kept.add(shown)
    return redundant


def _second_ones(seen: Seen, pairs: Iterable[Near], near: Iterable[Near]) -> list[Place]:
    """Returns the second pictures of one set; of sets with partners where those are alike too."""
    first = _first_equals(seen)
    alike = {(pair.first, pair.second) for pair in near}
    redundant = []
    for pair in pairs:
        one, other = _partner(seen, pair.first), _partner(seen, pair.second)
        if (one, other) in alike or first.get(one, one) == first.get(other, other):
            redundant.append(pair.second)
    return redundant


def _first_equals(seen: Seen) -> dict[Place | None, Place]:
    """Returns the first of the pictures that are equal to a picture."""
    return {place: group[0] for group in seen.equal for place in group}


def _partner(seen: Seen, place: Place) -> Place | None:
    partners = seen.sets[place.set_name].partners
    return Place(partners, place.number) if partners else None


# ---- pairs ----


def pairs(seen: Seen) -> list[Finding]:
    """Pairs whose sides differ in size, or do not differ at all."""
    unequal, same = [], []
    in_pairs = [name for name, each in seen.sets.items() if each.partners and each.domain == "A"]
    for place in sorted(place for place in seen.headers if place.set_name in in_pairs):
        header, other = seen.headers[place], Place(seen.sets[place.set_name].partners, place.number)
        if other not in seen.headers:
            continue
        partner = seen.headers[other]
        size, size_of_partner = _size(header), _size(partner)
        if size != size_of_partner:
            words = f"{size[0]}x{size[1]} and {size_of_partner[0]}x{size_of_partner[1]} px"
            unequal.append(Group(places=(place, other), words=words))
        elif _are_equal(seen, place, other):
            same.append(Group(places=(place, other), words="equal"))
    return [
        *_of_places(
            seen,
            unequal,
            kind="unequal_pairs",
            is_serious=True,
            title="Pairs whose sides differ in size",
            meaning="The picture and its partner differ in size.",
            advice="Training on pairs refuses them, since a pixel must show the same place on both "
            "sides: cut or scale both to one size. A picture of both sides needs an even width.",
            looked_at=seen.opened,
            counted=lambda place: seen.sets[place.set_name].domain == "A",
        ),
        *_of_places(
            seen,
            same,
            kind="equal_pairs",
            is_serious=True,
            title="Pairs whose sides are equal",
            meaning="The picture and its partner are equal.",
            advice="They teach to change nothing: replace the side that is wrong, or remove both.",
            looked_at=seen.tried,
            to_remove=[place for group in same for place in group.places],
            counted=lambda place: seen.sets[place.set_name].domain == "A",
        ),
    ]


def _are_equal(seen: Seen, one: Place, other: Place) -> bool:
    are_known = one in seen.measures and other in seen.measures
    return are_known and seen.measures[one].digest == seen.measures[other].digest


# ---- sizes ----


def tiny(seen: Seen, training: Training) -> list[Finding]:
    """Pictures that training enlarges much."""
    places = [
        place
        for place, header in seen.headers.items()
        if training.enlargement(_size(header)) > limits.ENLARGED
    ]
    groups = [
        Group(places=(place,), words="{}x{} px".format(*_size(seen.headers[place])))
        for place in sorted(places, key=lambda place: (min(_size(seen.headers[place])), place))
    ]
    advice = "What is enlarged is blurred, and what is blurred is learned: remove them."
    small: dict[str, float] = {}  # domain -> its usual side
    for domain in ("A", "B"):
        headers = _headers_of_domain(seen, domain)
        count = sum(place in headers for place in places)
        if count > limits.MOST_OF_A_DOMAIN * len(headers):
            small[domain] = np.median([min(_size(header)) for header in headers.values()])
    if small:
        size = max(4, 4 * int(min(small.values()) // 4))
        advice = (
            f"Most pictures of {' and of '.join(small)} are as small: train at their size, "
            f"--crop_size={size}."
        )
    return _of_places(
        seen,
        groups,
        kind="tiny",
        is_serious=False,
        title="Small pictures",
        meaning=f"Training enlarges them more than {limits.ENLARGED:g} times "
        f"({training.size_flags}).",
        advice=advice,
        looked_at=seen.opened,
        to_remove=places,
    )


def odd_aspect(seen: Seen, training: Training) -> list[Finding]:
    """Pictures so long that making them square distorts them."""
    if not training.squashes:
        return []
    places = []
    for place, header in seen.headers.items():
        width, height = _size(header)
        if min(width, height) < limits.ASPECT * max(width, height):
            places.append(place)
    groups = [
        Group(places=(place,), words="{}x{} px".format(*_size(seen.headers[place])))
        for place in sorted(places)
    ]
    return _of_places(
        seen,
        groups,
        kind="odd_aspect",
        is_serious=False,
        title="Long pictures",
        meaning=f"One side is more than {1 / limits.ASPECT:.1f} times as long as the other.",
        advice="--preprocess=resize_and_crop squashes them to a square: use "
        "--preprocess=scale_shortside_and_crop, or cut or remove them.",
        looked_at=seen.opened,
        to_remove=places,
    )


def _size(header: Header) -> tuple[int, int]:
    return header.width, header.height


# ---- what single pictures show ----


@dataclasses.dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers that pictures of one domain and one type can hold, or that they do hold.

    Attributes:
        dtype: the type.
        low: the least.
        high: the greatest.
    """

    dtype: str
    low: float
    high: float

    def is_brightness(self) -> bool:
        """Whether a number says how bright a pixel is, so that pictures can be too dark."""
        return self.dtype == "uint8"


def ranges_of(seen: Seen, domain: str) -> dict[str, Range]:
    """Returns the range of each type of a domain: 0 to 255 of 8 bits, that of its pictures else."""
    lows: dict[str, float] = {}
    highs: dict[str, float] = {}
    for measured in _of_domain(seen, domain).values():
        dtype = measured.dtype
        lows[dtype] = min(lows.get(dtype, measured.low), measured.low)
        highs[dtype] = max(highs.get(dtype, measured.high), measured.high)
    ranges = {}
    for dtype, low in lows.items():
        if dtype == "uint8":
            ranges[dtype] = Range(dtype=dtype, low=0.0, high=255.0)
        else:
            ranges[dtype] = Range(dtype=dtype, low=low, high=highs[dtype])
    return ranges


def is_blank(measured: Measures, found: Range) -> bool:
    """Whether a picture shows nearly nothing but one color."""
    width = max(found.high - found.low, 1e-30)
    has_no_contrast = measured.contrast < limits.BLANK_CONTRAST * width
    return has_no_contrast or measured.entropy < limits.BLANK_ENTROPY


def is_dark(measured: Measures, found: Range) -> bool:
    """Whether even the brightest parts of a picture are dark."""
    return found.is_brightness() and measured.bright < limits.DARK * found.high


def is_bright(measured: Measures, found: Range) -> bool:
    """Whether even the darkest parts of a picture are bright."""
    return found.is_brightness() and measured.dark > limits.BRIGHT * found.high


def is_blurred(measured: Measures, found: Range) -> bool:
    """Whether a picture has no edges."""
    return measured.sharpness < limits.BLURRED


LOOK = "Look at them, and remove those that show nothing that can be translated."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Defect:
    """What a single picture may suffer from.

    Attributes:
        kind: as of `Finding`.
        is_so: whether a picture does, in the range of its domain.
        words: what its measures say of it.
        title: as of `Finding`.
        meaning: a sentence about such pictures.
        advice: as of `Finding`.
    """

    kind: str
    is_so: Callable[[Measures, Range], bool]
    words: Callable[[Measures], str]
    title: str
    meaning: str
    advice: str


# A picture is counted under the first that fits.
DEFECTS = (
    Defect(
        kind="blank",
        is_so=is_blank,
        words=lambda m: f"contrast {m.contrast:.3g}, {m.entropy:.1f} bits",
        title="Blank pictures",
        meaning="They show nearly one color.",
        advice=LOOK,
    ),
    Defect(
        kind="dark",
        is_so=is_dark,
        words=lambda m: f"99 % of the pixels are below {m.bright:.0f} of 255",
        title="Dark pictures",
        meaning="They are dark even in their brightest parts.",
        advice=LOOK,
    ),
    Defect(
        kind="bright",
        is_so=is_bright,
        words=lambda m: f"95 % of the pixels are above {m.dark:.0f} of 255",
        title="Overexposed pictures",
        meaning="They are bright even in their darkest parts.",
        advice=LOOK,
    ),
    Defect(
        kind="blurred",
        is_so=is_blurred,
        words=lambda m: f"sharpness {m.sharpness:.3f}",
        title="Blurred pictures",
        meaning="They have no sharp edge.",
        advice="What is blurred is learned: look at them, and remove those that are not meant to "
        "be so.",
    ),
)


def of_single_pictures(seen: Seen) -> list[Finding]:
    """Pictures that show little, unless most of their domain is like them."""
    places: dict[str, list[Place]] = {defect.kind: [] for defect in DEFECTS}
    for domain in ("A", "B"):
        measures = _of_domain(seen, domain)
        ranges = ranges_of(seen, domain)
        own: dict[str, list[Place]] = collections.defaultdict(list)
        for place, measured in measures.items():
            for defect in DEFECTS:
                if defect.is_so(measured, ranges[measured.dtype]):
                    own[defect.kind].append(place)
                    break
        for kind, of_kind in own.items():
            if len(of_kind) <= limits.MOST_OF_A_DOMAIN * len(measures):
                places[kind] += of_kind
    found = []
    for defect in DEFECTS:
        groups = [
            Group(places=(place,), words=defect.words(seen.measures[place]))
            for place in sorted(places[defect.kind])
        ]
        found += _of_places(
            seen,
            groups,
            kind=defect.kind,
            is_serious=False,
            title=defect.title,
            meaning=defect.meaning,
            advice=defect.advice,
            looked_at=seen.tried,
            to_remove=places[defect.kind],
        )
    return found


# ---- colors and numbers ----


def colors(seen: Seen, training: Training) -> list[Finding]:
    """Gray pictures among colored ones, colored ones among gray ones, and a domain of each kind."""
    gray, colored = [], []
    shares: dict[str, float | None] = {}
    for domain in ("A", "B"):
        ranges = ranges_of(seen, domain)
        measures = {
            place: measured
            for place, measured in _of_domain(seen, domain).items()
            if measured.channels in (1, 3) and not is_blank(measured, ranges[measured.dtype])
        }
        own_gray = [place for place, measured in measures.items() if measured.is_gray]
        share = len(own_gray) / max(len(measures), 1)
        shares[domain] = share if measures else None
        if share <= limits.MOST_OF_A_DOMAIN:
            gray += own_gray
        elif share < 1.0:
            colored += sorted(measures.keys() - set(own_gray))
    return [
        *_of_places(
            seen,
            [Group(places=(place,)) for place in sorted(gray)],
            kind="gray_among_color",
            is_serious=False,
            title="Gray pictures among colored ones",
            meaning="Most of their domain are colored.",
            advice="Translations of them have no colors to keep: remove them, unless the model is "
            "to know gray pictures too.",
            looked_at=seen.tried,
            to_remove=gray,
        ),
        *_of_places(
            seen,
            [Group(places=(place,)) for place in sorted(colored)],
            kind="color_among_gray",
            is_serious=False,
            title="Colored pictures among gray ones",
            meaning="Most of their domain are gray.",
            advice="Remove them, or train in gray "
            f"({training.channel_flags['A']}=1 for A, {training.channel_flags['B']}=1 for B).",
            looked_at=seen.tried,
            to_remove=colored,
        ),
        *color_gap(seen, training, shares),
    ]


def color_gap(seen: Seen, training: Training, shares: Mapping[str, float | None]) -> list[Finding]:
    """One domain all gray, the other one colored.

    Args:
        seen: what was seen of the pictures.
        training: what they are for.
        shares: of gray pictures in A and in B; None where that is no question.
    """
    for gray, colored in (("A", "B"), ("B", "A")):
        if shares[gray] != 1.0 or shares[colored] is None:
            continue
        if shares[colored] > limits.MOST_OF_A_DOMAIN or training.channels[gray] == 1:
            continue
        return _of_domains(
            seen,
            [gray],
            kind="color_gap",
            title="A gray and a colored domain",
            sentence=f"All pictures of {gray} that were looked at are gray, most of {colored} are "
            "colored.",
            advice=f"{training.channel_flags[gray]}=1 trains {gray} as the gray pictures that they "
            "are; the terms that need equal channels, such as --lambda_identity, are left out "
            "then. Hidden in three gray channels, colors can pass the cycle unseen.",
        )
    return []


def other_channels(seen: Seen, training: Training) -> list[Finding]:
    """Pictures whose channels cannot become those of most of their domain."""
    groups = []
    for domain in ("A", "B"):
        headers = _headers_of_domain(seen, domain)
        if not headers:
            continue
        tally = collections.Counter(header.channels for header in headers.values())
        usual = training.channels[domain] or tally.most_common(1)[0][0]
        for place, header in headers.items():
            if header.channels != usual and {header.channels, usual} != {1, 3}:
                words = f"{header.channels} channels instead of {usual}"
                groups.append(Group(places=(place,), words=words))
    groups.sort(key=lambda group: group.places)
    return _of_places(
        seen,
        groups,
        kind="other_channels",
        is_serious=False,
        title="Pictures of other channels",
        meaning="They have other channels than their domain, and nothing converts them.",
        advice="Training leaves them out with a warning. Give the number of channels by "
        f"{training.channel_flags['A']} and {training.channel_flags['B']}, or convert or remove "
        "them.",
        looked_at=seen.opened,
        to_remove=[group.places[0] for group in groups],
    )


def mixed_numbers(seen: Seen) -> list[Finding]:
    """Pictures whose type of numbers is not that of most of their domain."""
    groups, of_all = [], []
    for domain in ("A", "B"):
        headers = _headers_of_domain(seen, domain)
        tally = collections.Counter(header.dtype for header in headers.values())
        usual = tally.most_common(1)[0][0] if tally else ""
        if len(tally) > 1:
            of_all.append(f"{' and '.join(sorted(tally))} in {domain}")
        for place, header in headers.items():
            if header.dtype != usual:
                groups.append(Group(places=(place,), words=f"{header.dtype} instead of {usual}"))
    groups.sort(key=lambda group: group.places)
    return _of_places(
        seen,
        groups,
        kind="mixed_numbers",
        is_serious=False,
        title="Pictures of another depth",
        meaning="They hold another type of numbers than most of their domain. One of them is "
        "enough for training to read the whole domain in the deeper type: "
        f"{', '.join(of_all)}.",
        advice="Of 8 and 16 bits white is white (255 is 65,535), which is wrong where 16 bits hold "
        "fewer, such as 0 to 4,095; all other numbers mean themselves. Convert or remove the few, "
        "so that the domain stays as most of it is, or say what is black and white by "
        "--value_range.",
        looked_at=seen.opened,
        to_remove=[group.places[0] for group in groups],
    )


def depth_gap(seen: Seen, training: Training) -> list[Finding]:
    """A and B of different types of numbers, where it was said of neither what they mean."""
    types = {}
    for domain in ("A", "B"):
        tally = collections.Counter(
            header.dtype for header in _headers_of_domain(seen, domain).values()
        )
        types[domain] = tally.most_common(1)[0][0] if tally else None
    if types["A"] == types["B"] or None in types.values():
        return []
    if any(value_range != "auto" for value_range in training.value_range.values()):
        return []
    return _of_domains(
        seen,
        ["A", "B"],
        kind="depth_gap",
        title="Domains of different depth",
        sentence=f"A holds {types['A']} numbers and B {types['B']}.",
        advice="Each is trained on its own range, which is right where both are meant to be so; "
        "--value_range=<of A>/<of B> says which numbers are black and white.",
    )


def narrow_ranges(seen: Seen, training: Training) -> list[Finding]:
    """Domains of 8 bits that use the darkest levels alone, such as maps of numbered labels."""
    findings = []
    for domain in ("A", "B"):
        if ranges_of(seen, domain).keys() != {"uint8"}:
            continue
        if training.value_range[domain] != "auto":
            continue
        high = max(measured.high for measured in _of_domain(seen, domain).values())
        if high < limits.NARROW:
            other = "auto/" if domain == "B" else ""
            rest = "/auto" if domain == "A" else ""
            findings += _of_domains(
                seen,
                [domain],
                kind="narrow_range",
                title="Numbers in a narrow range",
                sentence=f"No pixel of {domain} that was looked at is brighter than "
                f"{high:.0f} of 255, so that networks see a part of their range alone.",
                advice=f"--value_range={other}0,{max(high, 1):.0f}{rest} uses all of it. For "
                "maps of labels add --resize_filter=nearest.",
            )
    return findings


# ---- sets ----


def few(seen: Seen) -> list[Finding]:
    """Too few training pictures."""
    left = _trained_on(seen)
    names = [name for name, count in left.items() if count < limits.FEW]
    if not names:
        return []
    listed = " and ".join(f"{left[name]} in {name}" for name in names)
    return _of_domains(
        seen,
        [seen.sets[name].domain for name in names],
        kind="few",
        title="Few training pictures",
        sentence=f"There are {listed}, fewer than {limits.FEW}.",
        advice=f"Discriminators learn so few by heart. Add pictures, or {WITH_FEW_PICTURES}.",
    )


def imbalance(seen: Seen) -> list[Finding]:
    """Many more training pictures in one domain than in the other."""
    left = _trained_on(seen)
    fewest, most = min(left.values(), default=0), max(left.values(), default=0)
    if not fewest or most <= limits.IMBALANCE * fewest:
        return []
    listed = " and ".join(f"{count} in {name}" for name, count in left.items())
    return _of_domains(
        seen,
        [seen.sets[min(left, key=lambda name: left[name])].domain],
        kind="imbalance",
        title="Many more pictures in one domain",
        sentence=f"There are {listed}: in an epoch each picture of the smaller domain is shown "
        f"{most / fewest:.0f} times.",
        advice="Add pictures to the smaller domain, take fewer of the other by "
        f"--max_dataset_size, or {WITH_FEW_PICTURES}.",
    )


def _trained_on(seen: Seen) -> dict[str, int]:
    """Returns how many pictures of each training set can be read, as far as is known."""
    left = {}
    for name, each in seen.sets.items():
        if each.split == "train":
            left[name] = seen.readable(name)
    return left


# ---- shared ----


def _of_domain(seen: Seen, domain: str) -> dict[Place, Measures]:
    return {
        place: measured
        for place, measured in seen.measures.items()
        if seen.sets[place.set_name].domain == domain
    }


def _headers_of_domain(seen: Seen, domain: str) -> dict[Place, Header]:
    return {
        place: header
        for place, header in seen.headers.items()
        if seen.sets[place.set_name].domain == domain
    }


def _of_places(
    seen: Seen,
    groups: Sequence[Group],
    *,
    kind: str,
    is_serious: bool,
    title: str,
    meaning: str,
    advice: str,
    looked_at: Callable[[str], int],
    to_remove: Iterable[Place] = (),
    lists_most: bool = False,
    counted: Callable[[Place], bool] = lambda place: True,
    reasons: Mapping[Place, str] = types.MappingProxyType({}),
) -> list[Finding]:
    """Returns the finding about single pictures as a list, which is empty where there are none.

    Args:
        seen: what was seen of the pictures.
        groups: the pictures.
        kind: as of `Finding`.
        is_serious: as of `Finding`.
        title: as of `Finding`.
        meaning: a sentence about them.
        advice: as of `Finding`.
        looked_at: name of a set -> how many of its pictures were looked at for this.
        to_remove: as of `Finding`, but for sets of which it is most.
        lists_most: whether it may be most of a set.
        counted: which pictures of the groups are counted and named.
        reasons: what the sentence says of pictures beside their names.
    """
    if not groups:
        return []
    places = [place for group in groups for place in group.places if counted(place)]
    places = list(dict.fromkeys(places))
    tally = collections.Counter(place.set_name for place in places)
    counted_by_set = {name: tally[name] for name in seen.sets if tally[name]}
    listed = ", ".join(
        f"{count:,} of {looked_at(name):,} in {name}" for name, count in counted_by_set.items()
    )
    named = []
    for place in places[:NAMED]:
        name = seen.sets[place.set_name].pictures.names[place.number]
        named.append(printable(f"{name} {reasons[place]}" if place in reasons else name))
    more = f" and {len(places) - NAMED:,} more" if len(places) > NAMED else ""
    removed = sorted(set(to_remove))
    if not lists_most:
        by_set = collections.Counter(place.set_name for place in removed)
        most = [
            name
            for name, count in by_set.items()
            if count > limits.MOST_OF_A_DOMAIN * looked_at(name)
        ]
        removed = [place for place in removed if place.set_name not in most]
    finding = Finding(
        kind=kind,
        is_serious=is_serious,
        title=title,
        summary=f"{title}: {listed}",
        sentence=f"{title}: {listed} ({', '.join(named)}{more}). {meaning}",
        advice=advice,
        counts=counted_by_set,
        looked_at={name: looked_at(name) for name in counted_by_set},
        groups=groups,
        to_remove=removed,
    )
    return [finding]


def _of_domains(
    seen: Seen, domains: Sequence[str], *, kind: str, title: str, sentence: str, advice: str
) -> list[Finding]:
    """Returns the finding about whole domains as a list."""
    names = [
        name for name, each in seen.sets.items() if each.domain in domains and each.split == "train"
    ]
    finding = Finding(
        kind=kind,
        is_serious=False,
        title=title,
        summary=f"{title}. {sentence}",
        sentence=f"{title}. {sentence}",
        advice=advice,
        counts={name: seen.readable(name) for name in names},
        looked_at={name: seen.opened(name) for name in names},
    )
    return [finding]
