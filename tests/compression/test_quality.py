import dataclasses
import json

import numpy as np
import pytest

from cyclegan_keras.compression.quality import Quality, judge, translate_by_both
from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.images.form import Form
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.translator import Translator


class Means:
    """A feature network whose features are the mean colors of each quarter of a picture."""

    name = "means"
    protocol = "mean colors of quarters"

    def features(self, pictures):
        found = []
        for picture in pictures:
            halves = np.array_split(picture / 255, 2)
            quarters = [quarter for half in halves for quarter in np.array_split(half, 2, axis=1)]
            found.append(np.concatenate([quarter.mean(axis=(0, 1)) for quarter in quarters]))
        return np.array(found)


def translator(network, **fields):
    return Translator(network, Description(source="day", target="night", **fields))


def some(count, seed, low=0, high=200):
    rng = np.random.default_rng(seed)
    return [rng.integers(low, high, (16, 12 + 2 * (k % 2), 3), np.uint8) for k in range(count)]


def darker(images):
    return images - 0.5


def darker_by_less(images):
    return images - 0.4


def left_is_darker(images):
    ramp = np.linspace(-0.5, 0, images.shape[2], dtype=np.float32)
    return images + ramp[None, None, :, None]


def test_a_student_that_equals_its_teacher_is_found_out():
    pictures = Pictures(inputs=some(4, 0), real=some(4, 1))
    translated = translate_by_both(translator(darker), translator(darker), pictures)
    quality = judge(translated, network=Means())
    assert translated.words == "day to night"
    assert quality.count == 4
    assert quality.of("student").psnr_db.value == 200
    assert quality.of("teacher mirrored").psnr_db.value == 200  # it does the same everywhere
    (kid,) = quality.comparisons
    assert kid.name == "KID"
    assert kid.teacher == kid.student
    assert kid.copy_score is not None


def test_yardsticks_are_the_input_and_the_mirrored_teacher():
    pictures = Pictures(inputs=some(3, 0, low=150, high=250), real=())
    teacher, student = translator(left_is_darker), translator(darker_by_less)
    quality = judge(translate_by_both(teacher, student, pictures))
    likeness = {}
    for name in ("copy", "teacher mirrored"):
        errors = []
        for picture in pictures.inputs:
            x = picture[None].astype("float32") / 127.5 - 1
            expected = np.clip(left_is_darker(x), -1, 1)
            found = x
            if name != "copy":
                found = np.clip(left_is_darker(x[:, :, ::-1])[:, :, ::-1], -1, 1)
            errors.append(10 * np.log10(4 / np.mean((found - expected) ** 2)))
        likeness[name] = np.mean(errors)
    for name, expected in likeness.items():
        assert quality.of(name).psnr_db.value == pytest.approx(expected, abs=0.02)  # of 8 bits


def test_errors_to_the_truth_are_those_of_both():
    inputs = some(3, 0, low=140, high=250)
    truth = [np.clip(picture.astype(int) - 60, 0, 255).astype(np.uint8) for picture in inputs]
    pictures = Pictures(inputs=inputs, real=truth, truth=truth)
    teacher, student = translator(darker), translator(darker_by_less)
    quality = judge(translate_by_both(teacher, student, pictures), network=Means())
    by_name = {comparison.name: comparison for comparison in quality.comparisons}
    error = by_name["L1 to the truth"]
    assert error.teacher.value == pytest.approx(0.5 * 127.5 - 60, abs=0.5)
    assert error.student.value == pytest.approx(60 - 0.4 * 127.5, abs=0.5)
    assert error.copy_score == 60
    assert quality.left_out == ()
    assert quality.unit == "gray levels of 255"


@pytest.mark.parametrize(
    ("network", "real", "said"),
    [
        (None, some(3, 1), "The KID is left out: There is no feature network."),
        (Means(), (), "The KID is left out: There are no real pictures of the target."),
        (
            Means(),
            some(2, 1),
            "The KID is left out: An interval needs at least three pictures of each kind, not 2.",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(network, real, said):
    pictures = Pictures(inputs=some(3, 0), real=real)
    translated = translate_by_both(translator(darker), translator(darker), pictures)
    quality = judge(translated, network=network)
    assert quality.comparisons == ()
    assert said in quality.left_out
    assert "The pictures have no known counterparts." in quality.left_out[-1]


def test_other_channels_than_the_inputs_have_no_copies():
    def gray(images):
        return images[..., :1]

    pictures = Pictures(inputs=some(3, 0), real=(), target_form=Form(channels=1))
    one = translator(gray, output_channels=1)
    quality = judge(translate_by_both(one, one, pictures))
    assert quality.of("copy") is None
    assert quality.of("student").psnr_db.value == 200


def test_quality_survives_json():
    pictures = Pictures(inputs=some(3, 0), real=some(3, 1))
    translated = translate_by_both(translator(darker), translator(left_is_darker), pictures)
    quality = judge(translated, network=Means(), is_held_out=False, preparation="As they are.")
    assert quality.pictures == "3 training pictures"
    fields = json.loads(json.dumps(dataclasses.asdict(quality)))
    assert Quality.from_dict(fields) == quality
    del fields["is_held_out"], fields["preparation"]
    earlier = Quality.from_dict(fields)
    assert (earlier.pictures, earlier.preparation) == ("3 held-out pictures", "")
