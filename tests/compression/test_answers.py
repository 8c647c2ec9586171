import time

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.compression.answer_cache import AnswerCache
from cyclegan_keras.compression.answered_batches import AnsweredBatches
from cyclegan_keras.compression.answers import Answers
from cyclegan_keras.compression.schedule import CropSchedule
from cyclegan_keras.files.errors import WriteError

SHAPE = (4, 6, 3)
SCHEDULE = CropSchedule(steps=6, batch_size=2, repeats=2, seed=0)  # of 6 crops


class Teacher:
    """Inverts pictures, and counts them."""

    def __init__(self):
        self.asked = []

    def __call__(self, pictures):
        self.asked.append(len(pictures))
        return -pictures / 3


def pictures(numbers):
    """A crop of each number, drawn by that number alone."""
    drawn = [np.random.default_rng(number).uniform(-1, 1, SHAPE) for number in numbers]
    return np.reshape(drawn, (-1, *SHAPE)).astype("float32")


def crops(numbers):
    return tf.data.Dataset.from_tensor_slices({"number": numbers, "picture": pictures(numbers)})


def make_cache(folder, slots=6):
    return AnswerCache(folder / "x_to_y", shape=SHAPE, slots=slots, fingerprint={})


def train(teacher, cache=None, start=0, stop=6, at_once=1):
    answers = Answers(teacher, SHAPE, at_once=at_once, cache=cache)
    batches = AnsweredBatches(SCHEDULE, {"x": crops}, {"x_to_y": answers})
    return list(batches.train(start, stop).as_numpy_iterator())


def assert_same(batches, expected):
    for batch, other in zip(batches, expected, strict=True):
        assert batch.keys() == other.keys() == {"x", "teacher_x_to_y"}
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])


def test_answers_are_rounded_to_float16():
    numbers = np.arange(5)
    teacher = Teacher()
    answers = Answers(teacher, SHAPE, at_once=2)(numbers, pictures(numbers))
    expected = (-pictures(numbers) / 3).astype("float16").astype("float32")
    np.testing.assert_array_equal(answers, expected)
    assert teacher.asked == [2, 2, 1]


def test_cached_equals_direct(tmp_path):
    direct_teacher, teacher, later = Teacher(), Teacher(), Teacher()
    direct = train(direct_teacher)
    assert_same(train(teacher, make_cache(tmp_path)), direct)
    assert (sum(direct_teacher.asked), sum(teacher.asked)) == (12, 6)
    assert_same(train(later, make_cache(tmp_path), start=2), direct[2:])
    assert sum(later.asked) == 0
    bounded = Teacher()
    assert_same(train(bounded, make_cache(tmp_path, slots=4)), direct)
    assert sum(bounded.asked) == 4  # twice those of 4 and of 5


def test_a_torn_answer_is_asked_anew(tmp_path):
    direct = train(Teacher())
    train(Teacher(), make_cache(tmp_path))
    path = tmp_path / "x_to_y.answers"
    content = path.read_bytes()
    path.write_bytes(content[:-100] + bytes(100))
    teacher = Teacher()
    assert_same(train(teacher, make_cache(tmp_path)), direct)
    assert teacher.asked == [1]
    assert path.read_bytes() == content


def test_batches_hold_what_the_schedule_says():
    answers = {
        "x_to_y": Answers(Teacher(), SHAPE),
        "y_to_x": Answers(lambda pictures: pictures / 2, SHAPE),
    }
    batches = AnsweredBatches(SCHEDULE, {"x": crops, "y": crops}, answers)
    dataset = batches.train(1, 6)
    assert int(dataset.cardinality()) == 5
    spec = tf.TensorSpec((2, *SHAPE), tf.float32)
    names = ("x", "y", "teacher_x_to_y", "teacher_y_to_x")
    assert dataset.element_spec == dict.fromkeys(names, spec)
    for step, batch in enumerate(dataset.as_numpy_iterator(), start=1):
        expected = pictures(SCHEDULE.numbers(step))
        np.testing.assert_array_equal(batch["x"], expected)
        np.testing.assert_allclose(batch["teacher_x_to_y"], -expected / 3, atol=1e-3)
        np.testing.assert_allclose(batch["teacher_y_to_x"], expected / 2, atol=1e-3)


def test_batches_are_made_ahead():
    teacher = Teacher()
    batches = AnsweredBatches(SCHEDULE, {"x": crops}, {"x_to_y": Answers(teacher, SHAPE)})
    iterator = iter(batches.train(0, 6))
    next(iterator)
    deadline = time.monotonic() + 20
    while sum(teacher.asked) < 8:  # four more steps than were taken, or at least three
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_error_keeps_its_own_words(tmp_path, limited_file_size):
    answers = Answers(Teacher(), SHAPE, cache=make_cache(tmp_path))
    batches = AnsweredBatches(SCHEDULE, {"x": crops}, {"x_to_y": answers})
    with limited_file_size(300), pytest.raises(tf.errors.OpError):
        list(batches.train(0, 6))
    assert isinstance(batches.failure, WriteError)
    assert "x_to_y.answers" in str(batches.failure)


def test_an_error_of_reading_ends_it():
    def unreadable(numbers):
        def fail(number):
            raise OSError("gone")

        def read(crop):
            picture = tf.numpy_function(fail, [crop["number"]], tf.float32)
            return {**crop, "picture": tf.ensure_shape(picture, SHAPE)}

        return crops(numbers).map(read)

    batches = AnsweredBatches(SCHEDULE, {"x": unreadable}, {"x_to_y": Answers(Teacher(), SHAPE)})
    with pytest.raises(tf.errors.OpError):
        list(batches.train(0, 6))
    assert "gone" in str(batches.failure)
