import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden

from cyclegan_keras.layers import ImagePool

CASES = [(50, 1), (50, 4), (3, 2), (1, 5)]


def numbered(start, stop):
    return tf.reshape(tf.range(start, stop, dtype="float32"), (-1, 1, 1, 1))


def numbers(images):
    return np.array(images)[:, 0, 0, 0].astype(int).tolist()


def made(size, seed=None):
    pool = ImagePool(size, seed=seed)
    pool.build((None, 1, 1, 1))
    return pool


@pytest.mark.slow
@pytest.mark.parametrize(("size", "batch"), CASES)
def test_recorded_draws_give_the_recorded_history(size, batch):
    golden = {
        name.split("/")[1]: values
        for name, values in load_golden("image_pool.npz").items()
        if name.startswith(f"pool{size}_b{batch}/")
    }
    pool, start = made(size), 0
    for count, after in zip(golden["batch_sizes"], golden["pool_after"], strict=True):
        part = slice(start, start + count)
        indices = np.maximum(golden["random_id"][part], 0)  # -1: not drawn
        returned = pool.query(numbered(start, start + count), golden["p"][part], indices)
        assert numbers(returned) == golden["returned"][part].tolist()
        stored = np.where(np.arange(size) < pool.stored.numpy(), numbers(pool.images), -1)
        np.testing.assert_array_equal(stored, after)
        start += count


def one_after_the_other(size, images, probabilities, indices):
    """The rule, as the paper's reference describes it in words."""
    pool, returned = [], []
    for image, p, i in zip(images, probabilities, indices, strict=True):
        if len(pool) < size:
            pool.append(image)
            returned.append(image)
        elif p > 0.5:
            returned.append(pool[i])
            pool[i] = image
        else:
            returned.append(image)
    return returned, pool


@pytest.mark.parametrize(("size", "batch"), [(2, 16), (5, 16), (16, 16), (7, 30)])
def test_a_batch_larger_than_the_pool_is_handled_in_order(size, batch):
    rng = np.random.default_rng(size)
    pool = made(size)
    p, index = rng.uniform(size=2 * batch), rng.integers(size, size=2 * batch)
    returned = [
        number
        for start in (0, batch)
        for number in numbers(
            pool.query(
                numbered(start, start + batch),
                p[start : start + batch],
                index[start : start + batch],
            )
        )
    ]
    expected = one_after_the_other(size, range(2 * batch), p, index)
    assert (returned, numbers(pool.images)) == expected


def test_draws_are_fair_and_fill_the_pool_first():
    pool = made(10, seed=0)
    query = tf.function(pool)
    returned = [n for i in range(0, 4000, 4) for n in numbers(query(numbered(i, i + 4)))]
    assert returned[:10] == list(range(10))
    swapped = np.array(returned[10:]) != np.arange(10, 4000)
    assert abs(swapped.mean() - 0.5) < 0.03
    # A stored picture waits for 2 * size others on average.
    waits = (np.arange(10, 4000) - np.array(returned[10:]))[swapped]
    assert abs(waits.mean() - 20) < 2.5
    assert len(set(returned[10:])) == len(returned[10:])  # nothing is returned twice


def test_restored_weights_continue_exactly():
    pool, other = made(5, seed=1), made(5, seed=2)
    for i in range(0, 20, 2):
        pool(numbered(i, i + 2))
    other.set_weights(pool.get_weights())
    for i in range(20, 60, 2):
        assert numbers(pool(numbered(i, i + 2))) == numbers(other(numbered(i, i + 2)))


def test_seeds():
    def history(seed):
        pool = made(3, seed)
        return [number for i in range(0, 40, 4) for number in numbers(pool(numbered(i, i + 4)))]

    assert history(1) == history(1)
    assert history(1) != history(2)
    assert history(None) != history(None)


def test_traces_once():
    pool, traces = ImagePool(3, seed=0), []
    pool.build((1, 1, 1, 1))

    @tf.function
    def query(images):
        traces.append(1)
        return pool(images)

    for i in range(6):
        query(numbered(i, i + 1))
    assert len(traces) == 1


def test_compiled_gives_the_same():
    plain, compiled = made(3), made(3)
    query, rng = tf.function(compiled.query, jit_compile=True), np.random.default_rng(0)
    for i in range(0, 30, 3):
        draws = tf.constant(rng.uniform(size=3)), tf.constant(rng.integers(3, size=3))
        expected = plain.query(numbered(i, i + 3), *draws)
        assert numbers(query(numbered(i, i + 3), *draws)) == numbers(expected)
    np.testing.assert_array_equal(plain.images, compiled.images)
    assert tf.function(compiled, jit_compile=True)(numbered(0, 2)).shape == (2, 1, 1, 1)


@pytest.mark.parametrize("size", [0, 2])
def test_no_gradient_and_same_dtype(size):
    pool = ImagePool(size, dtype="mixed_float16")
    images = tf.ones((3, 2, 2, 1), "bfloat16")
    with tf.GradientTape() as tape:
        tape.watch(images)
        pooled = pool(images)
    assert tape.gradient(pooled, images) is None
    assert pooled.dtype == "bfloat16"
    assert pooled.shape == images.shape
    assert not pool.trainable_variables
    assert not size or pool.images.dtype == "float32"


def test_size_zero_returns_its_input():
    pool = ImagePool(0)
    images = numbered(0, 3)
    for _ in range(3):
        np.testing.assert_array_equal(pool(images), images)
    assert not pool.weights


def test_round_trip(tmp_path):
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, ImagePool(4, seed=3)(inputs))
    for i in range(9):
        model(numbered(i, i + 1))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.layers[-1].size, loaded.layers[-1].seed) == (4, 3)
    for i in range(9, 30):
        assert numbers(model(numbered(i, i + 1))) == numbers(loaded(numbered(i, i + 1)))


def test_bad_arguments():
    with pytest.raises(ValueError, match="Received: size=-1"):
        ImagePool(-1)
    with pytest.raises(ValueError, match=r"Received: input_shape=\(1, None, None, 3\)"):
        ImagePool(2).build((1, None, None, 3))
