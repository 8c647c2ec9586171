"""Each finding on a set that has it, and none on sets that only look as if they had it."""

import dataclasses
import pathlib
import re
import types

import numpy as np
import pytest
from optional import optional
from pictures_in_memory import TRAINING, colored, gray, picture_set

from cyclegan_keras.cli import flags
from cyclegan_keras.commands import train
from cyclegan_keras.data_doctor import limits, looking
from cyclegan_keras.data_doctor.checking import check
from cyclegan_keras.data_doctor.measures import measure
from cyclegan_keras.files.advice import WITH_FEW_PICTURES
from cyclegan_keras.training.doctor.findings import AILMENTS

METHODS = pathlib.Path(__file__).parents[2] / "docs" / "methods.md"


@pytest.fixture(autouse=True)
def small_sets(monkeypatch):
    """Lets sets of a few pictures pass for whole ones."""
    monkeypatch.setattr(limits, "FEW", 5)


def sound(first, count=12, **changes):
    return [colored(first + number, **changes) for number in range(count)]


def findings(a, b, *others, training=TRAINING, compare=False, **fields):
    sets = [picture_set("trainA", a, **fields), picture_set("trainB", b), *others]
    return check(sets, training, dataset="set", compare=compare).findings


def kinds(*sets, **options):
    return [finding.kind for finding in findings(*sets, **options)]


def test_nothing_is_found_in_sound_sets():
    assert kinds(sound(0), sound(100)) == []


@pytest.mark.parametrize(
    ("kind", "added"),
    [
        ("unreadable", "is empty (0 bytes)"),
        ("truncated", "is damaged, since its file is truncated"),
        ("duplicates", colored(3)),
        ("duplicates_across_domains", colored(103)),
        ("odd_aspect", colored(50)[:6]),
        ("blank", np.full((24, 24, 3), 99, "uint8")),
        ("dark", colored(51, high=70)),
        ("bright", colored(52, low=210)),
        ("gray_among_color", gray(53)),
        ("gray_among_color", gray(54, channels=3)),
        ("other_channels", np.concatenate([colored(55), colored(56)], axis=-1)),
        ("mixed_numbers", colored(57, high=65536, dtype="uint16")),
    ],
)
def test_one_picture_among_others(kind, added):
    (found,) = findings([*sound(0), added], sound(100))
    assert found.kind == kind
    assert found.looked_at["trainA"] == 13
    places = [place for group in found.groups for place in group.places]
    assert ("trainA", 12) in [(place.set_name, place.number) for place in places]
    assert "of 13 in trainA" in found.sentence


def test_of_pictures_in_both_domains_none_is_to_be_removed():
    (found,) = findings([*sound(0), colored(103)], sound(100))
    assert (found.kind, list(found.to_remove)) == ("duplicates_across_domains", [])


def test_a_domain_that_is_there_twice_is_one_mistake():
    (found,) = findings(sound(0), [*sound(0), *sound(100, 8)])
    assert found.kind == "duplicates_across_domains"
    assert found.advice.startswith("Nearly all of trainA is in the other domain too")
    (found,) = findings([*sound(0), colored(103)], sound(100))
    assert found.advice.startswith("No translation can")


def test_most_of_a_set_is_not_to_be_removed():
    a = sound(0)
    tests = (picture_set("testA", a[:8]), picture_set("testB", sound(300)))
    (found,) = findings(a, sound(100), *tests)
    assert (found.kind, list(found.to_remove)) == ("leak", [])
    (found,) = findings([*sound(0, 5), *sound(0, 5), *sound(0, 5)], sound(100))
    assert (found.kind, len(found.to_remove)) == ("duplicates", 10)  # one of each stays


def test_blurred():
    ramp = np.broadcast_to(np.linspace(0, 255, 64)[:, None, None], (64, 64, 3)).astype("uint8")
    tinted = np.ascontiguousarray(ramp * np.array([1, 0.9, 0.8])).astype("uint8")
    assert kinds([*sound(0), tinted], sound(100)) == ["blurred"]


def test_leaks_name_what_is_to_leave_the_training_set():
    a, test = sound(0), [*sound(200, 3), colored(4)]
    (found,) = findings(a, sound(100), picture_set("testA", test), picture_set("testB", sound(300)))
    assert (found.kind, found.is_serious) == ("leak", True)
    assert dict(found.counts) == {"testA": 1}
    assert [(place.set_name, place.number) for place in found.to_remove] == [("trainA", 4)]


def test_a_leak_from_the_other_domain_is_a_leak_and_no_duplicate():
    tests = (picture_set("testA", sound(200)), picture_set("testB", [*sound(300), colored(4)]))
    assert kinds(sound(0), sound(100), *tests) == ["leak"]


def test_what_is_small_is_told_by_the_training():
    training = dataclasses.replace(TRAINING, enlargement=lambda size: 48 / min(size))
    (found,) = findings([*sound(0), colored(50, side=20)], sound(100), training=training)
    assert found.kind == "tiny"
    (found,) = findings([*sound(0, side=20)], sound(100, side=20), training=training)
    assert "Most pictures of A and of B are as small" in found.advice
    assert "--crop_size=20" in found.advice
    assert found.to_remove == []
    (found,) = findings(sound(0), sound(100, side=20), training=training)
    assert (dict(found.counts), found.to_remove) == ({"trainB": 12}, [])


def test_long_pictures_are_as_meant_where_nothing_squashes_them():
    training = dataclasses.replace(TRAINING, squashes=False)
    assert kinds([*sound(0), colored(50)[:6]], sound(100), training=training) == []


@pytest.mark.parametrize(
    "domain",
    [
        sound(0, high=70),  # night
        [np.where(colored(s) > 254, 0, 255).astype("uint8") for s in range(12)],  # lines on white
        [np.full((24, 24, 3), s, "uint8") for s in range(0, 240, 20)],  # plain levels
        [gray(s) for s in range(12)],
    ],
    ids=["night", "lines", "plain", "gray"],
)
def test_domains_may_be_dark_empty_or_gray_as_a_whole(domain):
    b = [gray(s) for s in range(100, 112)] if domain[0].shape[-1] == 1 else sound(100)
    assert kinds(domain, b) == []


def test_a_gray_and_a_colored_domain():
    a = [gray(s) for s in range(12)]
    (found,) = findings(a, sound(100))
    assert found.kind == "color_gap"
    assert "--input_nc=1" in found.advice
    asked = dataclasses.replace(TRAINING, channels={"A": 1, "B": None})
    assert kinds(a, sound(100), training=asked) == []


def test_color_among_gray():
    assert kinds(
        [*(gray(s) for s in range(12)), colored(50)], [gray(s) for s in range(99, 111)]
    ) == ["color_among_gray"]


def test_domains_of_different_depth():
    deep = sound(100, high=4096, dtype="uint16")
    assert kinds(sound(0), deep) == ["depth_gap"]
    asked = dataclasses.replace(TRAINING, value_range={"A": "auto", "B": "0,4095"})
    assert kinds(sound(0), deep, training=asked) == []


def test_one_deep_picture_deepens_its_domain():
    deep = colored(57, high=65536, dtype="uint16")
    (found,) = findings([*sound(0), deep], sound(100))
    assert found.sentence.endswith("the whole domain in the deeper type: uint16 and uint8 in A.")
    assert "Convert or remove the few" in found.advice


def test_numbered_labels():
    labels = [np.repeat(gray(s) // 20, 3, axis=-1) for s in range(12)]
    photos = [gray(s, channels=3) for s in range(100, 112)]
    (found,) = findings(labels, photos)
    assert found.kind == "narrow_range"
    assert "--value_range=0,12/auto" in found.advice


def test_scans_are_judged_by_their_own_range():
    scans = [colored(s, high=400, dtype="int16")[..., :1] - np.int16(1000) for s in range(24)]
    scans[0] = np.full((24, 24, 1), -1000, "int16")
    assert kinds(scans[:12], scans[12:]) == ["blank"]


def test_few_and_unequal_numbers():
    assert kinds(sound(0, 4), sound(100, 12)) == ["few"]
    assert kinds(sound(0, 5), sound(100, 81)) == ["imbalance"]
    assert kinds(sound(0, 5), sound(100, 80)) == []


def test_what_cannot_be_read_is_not_counted():
    a = picture_set("trainA", [*sound(0, 4), "is empty (0 bytes)", "is no picture"])
    found = check([a, picture_set("trainB", sound(100))], TRAINING, dataset="set", compare=False)
    assert found.to_dict()["sets"]["trainA"] == {"pictures": 6, "opened": 6, "decoded": 4}
    unreadable, few = found.findings
    assert (dict(unreadable.counts), dict(unreadable.looked_at)) == ({"trainA": 2}, {"trainA": 6})
    assert (few.kind, dict(few.counts)) == ("few", {"trainA": 4})


def test_both_doctors_give_one_advice_for_few_pictures():
    (few,) = findings(sound(0, 4), sound(100, 12))
    (imbalance,) = findings(sound(0, 5), sound(100, 81))
    (saturated,) = [ailment for ailment in AILMENTS if ailment.name == "saturated"]
    for advice in (few.advice, imbalance.advice, *saturated.remedies.values()):
        assert advice.endswith(f"{WITH_FEW_PICTURES}.")
    named = re.findall(r"--(\w+)", WITH_FEW_PICTURES)
    assert named == ["init_from", "d_regularization", "diff_augment"]
    assert set(named) < set(flags.fields(train.GROUPS))
    assert "\n## Few pictures\n" in METHODS.read_text(encoding="utf-8")


def pairs(a, b):
    sets = [
        picture_set("trainA", a, partners="trainB"),
        picture_set("trainB", b, partners="trainA"),
    ]
    return check(sets, TRAINING, dataset="set", compare=False).findings


def test_pairs():
    a, b = sound(0), sound(100)
    assert pairs(a, b) == []
    (found,) = pairs(a, [*b[:-1], colored(50, side=25)])
    assert (found.kind, dict(found.counts)) == ("unequal_pairs", {"trainA": 1})
    (found,) = pairs(a, [*b[:-1], a[-1]])
    assert (found.kind, dict(found.counts)) == ("equal_pairs", {"trainA": 1})


def blotches(seed):
    """Smooth colors, as thumbnails of photographs have them."""
    return np.kron(colored(seed, side=6), np.ones((8, 8, 1), "uint8"))


def test_near_duplicates_by_where_they_are():
    optional("imagehash")
    a = [blotches(s) for s in range(20)]
    b = [blotches(s) for s in range(100, 120)]
    darker = {number: (blotches(number) * 0.8).astype("uint8") for number in (1, 2, 3)}
    found = findings(
        [*a, darker[1]],
        [*b, darker[2]],
        picture_set("testA", [*(blotches(s) for s in range(200, 220)), darker[3]]),
        picture_set("testB", [blotches(s) for s in range(300, 320)]),
        compare=True,
    )
    assert {finding.kind: [p.number for p in finding.groups[0].places] for finding in found} == {
        "near_leak": [20, 3],
        "near_duplicates_across_domains": [2, 20],
        "near_duplicates": [1, 20],
    }


def test_near_pairs_are_redundant_where_both_sides_are():
    optional("imagehash")
    a = [blotches(s) for s in range(20)]
    b = [blotches(s) for s in range(100, 120)]
    a += [(a[number] * 0.8).astype("uint8") for number in (1, 2, 3)]
    b += [(b[1] * 0.8).astype("uint8"), b[2], blotches(200)]
    sets = [
        picture_set("trainA", a, partners="trainB"),
        picture_set("trainB", b, partners="trainA"),
    ]
    found = {each.kind: each for each in check(sets, TRAINING, dataset="set").findings}
    near = found["near_duplicates"]
    assert dict(near.counts) == {"trainA": 6, "trainB": 2}
    expected = {("trainA", 20), ("trainA", 21), ("trainB", 20)}
    assert {tuple(place) for place in near.to_remove} == expected


def test_a_quick_look_that_has_too_little_time_still_compares(monkeypatch):
    optional("imagehash")
    clock = [0.0]
    monkeypatch.setattr(looking, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))

    def measure_slowly(picture):
        clock[0] += 0.1
        return measure(picture)

    monkeypatch.setattr(looking, "measure", measure_slowly)
    a = [blotches(s) for s in range(50)]
    a += [(picture * 0.8).astype("uint8") for picture in a]
    found = check(
        [picture_set("trainA", a), picture_set("trainB", sound(100))],
        TRAINING,
        dataset="set",
        mode="quick",
        seconds=9.0,
        threads=1,
    )
    assert found.seen.decoded("trainA") < 80
    assert "near_duplicates" in [finding.kind for finding in found.findings]
    (sentence,) = found.left_out
    assert sentence.startswith("All files were opened, and ")


def test_mirror_images():
    optional("imagehash")
    a = [blotches(s) for s in range(20)]
    (found,) = findings(
        [*a, np.ascontiguousarray(a[6][:, ::-1])],
        [blotches(s) for s in range(100, 120)],
        compare=True,
    )
    assert found.kind == "near_duplicates"
    assert [place.number for place in found.groups[0].places] == [6, 20]
    assert found.groups[0].words.startswith("mirrored, ")


def test_partners_of_one_scene_may_be_alike():
    optional("imagehash")
    a = [blotches(s) for s in range(20)]
    b = [(picture * 0.8).astype("uint8") for picture in a]
    sets = [
        picture_set("trainA", a, partners="trainB"),
        picture_set("trainB", b, partners="trainA"),
    ]
    assert check(sets, TRAINING, dataset="set").findings == []
