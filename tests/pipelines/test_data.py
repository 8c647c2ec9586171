import logging

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.data import Data
from pipelines.options import DataOptions


def picture(level, size=(40, 30)):
    return Image.new("RGB", size, (level, level, level))


def make_set(root, sizes=((40, 30),), count=3, test=True):
    """A set whose pictures tell where they are from: domain A is dark, B is bright."""
    splits = ("trainA", "trainB", "testA", "testB") if test else ("trainA", "trainB")
    for name in splits:
        (root / name).mkdir(parents=True)
        for number in range(count):
            level = 10 * number + (0 if name.endswith("A") else 128)
            picture(level, sizes[number % len(sizes)]).save(root / name / f"{number}.png")
    return root


def build(root, **how):
    how = {"crop_size": 16, **how}
    return Data(DataOptions(dataset=str(root), **how), seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("set"))


def levels(image):
    return np.unique(np.round((np.asarray(image) + 1) * 127.5)).astype(int).tolist()


def test_what_a_trainer_sees(folder):
    data = build(folder, batch_size=2)
    assert data.shapes == {"x": (16, 16, 3), "y": (16, 16, 3)}
    assert (data.options.load_size, data.options.crop_size) == (18, 16)  # 17.9 rounded
    assert data.steps_per_epoch == 1
    assert data.sizes == {(16, 16)}
    assert not data.paired_test
    assert data.skipped == ()
    dataset = data.train(2, 6)
    spec = tf.TensorSpec((2, 16, 16, 3), tf.float32)
    assert dataset.element_spec == {"x": spec, "y": spec}
    assert int(dataset.cardinality()) == 4
    for batch in dataset:
        assert set(levels(batch["x"])) <= {0, 10, 20}
        assert set(levels(batch["y"])) <= {128, 138, 148}


def test_direction_swaps_the_domains(folder):
    data = build(folder, direction="BtoA")
    assert min(levels(data.samples(1)["x"])) == 128
    assert max(levels(next(iter(data.train(0, 1)))["y"])) <= 20
    assert "x = B" in data.describe()


def test_parts_make_up_the_batch(tmp_path):
    data = build(make_set(tmp_path, count=8), batch_size=4, cache="none")
    whole = list(data.train(1, 5).as_numpy_iterator())
    halves = [list(data.train(1, 5, part=(i, 2), size=1).as_numpy_iterator()) for i in range(2)]
    assert [len(half) for half in halves] == [8, 8]  # two batches of one a step
    for step, expected in enumerate(whole):
        parts = [half[2 * step + i] for half in halves for i in range(2)]
        for name in "xy":
            together = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(together, expected[name])


@pytest.fixture(scope="module")
def uncached(folder):
    return build(folder, cache="none").train(0, 7)


@pytest.fixture(scope="module")
def whole(uncached):
    return list(uncached.as_numpy_iterator())


def assert_same(batches, expected):
    for batch, other in zip(batches.as_numpy_iterator(), expected, strict=True):
        np.testing.assert_array_equal(batch["x"], other["x"])
        np.testing.assert_array_equal(batch["y"], other["y"])


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_caches_change_nothing(folder, whole, tmp_path, cache):
    cached = build(folder, cache=cache, cache_dir=str(tmp_path)).train(0, 7)
    assert_same(cached, whole)
    assert_same(cached, whole)
    assert len(list(tmp_path.iterdir())) == (6 if cache == "disk" else 0)


def test_without_a_cache_batches_are_the_same_each_time(uncached, whole):
    assert_same(uncached, whole)


@pytest.mark.parametrize("start_step", [1, 5])
def test_a_late_start_is_the_tail_bit_for_bit(folder, whole, start_step):
    late = build(folder).train(start_step, 7)
    assert int(late.cardinality()) == 7 - start_step
    assert_same(late, whole[start_step:])


def test_the_demo_has_a_known_counterpart_and_its_own_size():
    data = Data(DataOptions(dataset="demo/ponies"), seed=0)
    assert data.paired_test
    samples = data.samples(4)
    assert data.options.crop_size == data.source.crop_size == samples["x"].shape[1]
    assert samples["x"].shape == samples["y"].shape
    # The same scene: most of the picture, its background, is equal in both domains.
    for x, y in zip(samples["x"], samples["y"], strict=True):
        assert (np.abs(x - y).max(axis=-1) < 0.02).mean() > 0.5


def test_test_pictures_are_whole_and_in_order(folder):
    dataset = build(folder).test()
    assert int(dataset.cardinality()) == 3
    assert [levels(batch["x"]) for batch in dataset] == [[0], [10], [20]]
    assert [levels(batch["y"]) for batch in dataset] == [[128], [138], [148]]
    assert all(batch["x"].shape == (1, 16, 16, 3) for batch in dataset)


def test_the_shorter_test_domain_starts_over(tmp_path):
    make_set(tmp_path)
    (tmp_path / "testB" / "2.png").unlink()
    dataset = build(tmp_path).test()
    assert [levels(batch["y"]) for batch in dataset] == [[128], [138], [128]]


def test_samples_are_fixed_and_spread(folder):
    data = build(folder)
    samples = data.samples(2)
    assert samples["x"].shape == (2, 16, 16, 3)
    assert samples["x"].dtype == np.float32
    assert [levels(x) for x in samples["x"]] == [[0], [20]]
    np.testing.assert_array_equal(data.samples(2)["y"], samples["y"])
    assert data.samples(99)["x"].shape[0] == 3


def test_without_test_pictures_samples_come_from_training(tmp_path):
    data = build(make_set(tmp_path, test=False))
    assert not data.has_test
    assert "no test pictures" in data.describe()
    assert [levels(x) for x in data.samples(3)["x"]] == [[0], [10], [20]]


@pytest.mark.parametrize(
    ("preprocess", "shape", "test_shape"),
    [
        ("resize_and_crop", (16, 16, 3), (16, 16, 3)),
        ("crop", (16, 16, 3), (16, 16, 3)),
        ("scale_width", (12, 16, 3), (12, 16, 3)),
        ("scale_width_and_crop", None, None),  # 18 x 13 has no room for 16 x 16
        ("scale_shortside", (16, 20, 3), (16, 20, 3)),
        ("scale_shortside_and_crop", (16, 16, 3), (16, 16, 3)),
        ("none", (32, 40, 3), (32, 40, 3)),
    ],
)
def test_presets(folder, preprocess, shape, test_shape):
    if shape is None:
        with pytest.raises(DataError, match=r"3 of 3 .*smaller than --crop_size=16"):
            build(folder, preprocess=preprocess)
        return
    data = build(folder, preprocess=preprocess)
    assert data.shapes["x"] == shape
    assert next(iter(data.train(0, 1)))["x"].shape == (1, *shape)
    assert data.samples(2)["y"].shape == (2, *test_shape)


def test_varying_sizes(tmp_path):
    make_set(tmp_path, sizes=((40, 32), (24, 48)))
    data = build(tmp_path, preprocess="none")
    assert data.shapes["x"] == (None, None, 3)
    shapes = {tuple(batch["x"].shape) for batch in data.train(0, 6)}
    assert shapes == {(1, 32, 40, 3), (1, 48, 24, 3)}
    assert data.samples(3)["x"].shape == (3, 32, 24, 3)  # cut to the smallest sides
    with pytest.raises(DataError, match="--batch_size=2 needs pictures of one size, but 2"):
        build(tmp_path, preprocess="none", batch_size=2)


def test_none_says_when_it_must_resize(folder, caplog):
    with caplog.at_level(logging.WARNING):
        build(folder, preprocess="none")
    assert "sides that are no multiple of 4 px" in caplog.text


def test_max_dataset_size(folder):
    data = build(folder, max_dataset_size=2)
    assert data.steps_per_epoch == 2
    assert int(data.test().cardinality()) == 3


def test_a_corrupt_picture_is_left_out_and_counted(tmp_path):
    make_set(tmp_path)
    (tmp_path / "trainA" / "1.png").write_bytes(b"no picture")
    data = build(tmp_path)
    assert data.skipped == ("trainA/1.png",)
    assert "x = A with 2" in data.describe()
    assert "1 unreadable skipped" in data.describe()
    with pytest.raises(DataError, match=r"trainA/1.png .*--on_bad_image=skip"):
        build(tmp_path, on_bad_image="error")


def test_a_truncated_picture_does_not_stop_the_run(tmp_path):
    make_set(tmp_path)
    path = tmp_path / "trainA" / "1.png"
    path.write_bytes(path.read_bytes()[:-30])
    data = build(tmp_path)
    seen = {level for batch in data.train(0, 6) for level in levels(batch["x"])}
    assert seen == {0, 20}
    assert data.skipped == ("trainA/1.png",)
    with pytest.raises(DataError, match=r"trainA/1.png"):
        build(tmp_path, on_bad_image="error")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"load_size": 12}, "--load_size=12 is smaller than --crop_size=16"),
        ({"crop_size": 64, "preprocess": "crop"}, r"3 of 3 .*smaller .*trainA/0.png \(40x30\)"),
        ({"batch_size": 4}, "--batch_size=4 is more than the 3 pictures"),
        ({"batch_size": 0}, "--batch_size=0: expected at least 1"),
        ({"preprocess": "stretch"}, "--preprocess=stretch: expected one of resize_and_crop, crop"),
        ({"dataset": "nowhere"}, "--dataset=nowhere is neither"),
    ],
)
def test_what_cannot_work_is_said(folder, how, message):
    options = {"dataset": str(folder), "crop_size": 16, **how}
    with pytest.raises(DataError, match=message):
        Data(DataOptions(**options), seed=0)


def test_op_determinism_keeps_reading_in_parallel(folder):
    """A stateful load would be serialized by tf.data under op determinism."""
    dataset = build(folder).train(0, 4)
    ops = {node.op for function in _functions(dataset) for node in function.node_def}
    assert "PyFuncStateless" in ops
    assert "EagerPyFunc" not in ops


def _functions(dataset):
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(dataset._as_serialized_graph(allow_stateful=True).numpy())
    return graph.library.function
