"""A generator in int8 arithmetic on the cores of a CPU, for pictures of any size.

The graph is the variant `dynamic` of a .tflite export: int8 weights, and activations that are
quantized to int8 by the range that they have in this picture. LiteRT runs it.
"""

import concurrent.futures
import functools
import os
import queue
from collections.abc import Callable

import keras
import numpy as np

from cyclegan_keras.export.static_graph import is_resizable
from cyclegan_keras.files.cores import available_cores
from cyclegan_keras.files.errors import TranslationError

Size = tuple[int, int]  # height and width
MOST_GRAPHS = 4  # of one size each, that are kept open


class Int8Network:
    """Runs a generator in int8.

    Pictures of a batch are translated side by side, each by itself, so what comes out does not
    depend on the batch. One graph serves all sizes, unless the network is one that only graphs of
    one size can hold (`is_resizable`).

    Args:
        network: the generator.
        graph_for: returns the content of the .tflite file for a size, or with None for all sizes;
            it is called when a picture first needs it.
        cores: threads to use; all that this process may use unless given.

    Raises:
        TranslationError: LiteRT is not installed.
    """

    def __init__(
        self,
        network: keras.Model,
        graph_for: Callable[[Size | None], bytes],
        cores: int | None = None,
    ):
        check_runtime()
        self._is_resizable = is_resizable(network)
        self._graph = functools.lru_cache(MOST_GRAPHS)(graph_for)
        self._cores = cores or cores_to_use()
        self._pool = concurrent.futures.ThreadPoolExecutor(self._cores)
        self._runners: list[_Runner] = []
        self._made_for: tuple[int, Size | None] | None = None  # how many runners, of which graph

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates float32 (batch, height, width, channels) in [-1, 1] to the same range."""
        images = np.asarray(images)
        size = None if self._is_resizable else images.shape[1:3]
        runners = self._runners_for(min(len(images), self._cores), size)
        if len(runners) == 1:
            return np.stack([runners[0](image) for image in images])
        idle: queue.SimpleQueue[_Runner] = queue.SimpleQueue()
        for runner in runners:
            idle.put(runner)

        def translate(image: np.ndarray) -> np.ndarray:
            runner = idle.get()
            try:
                return runner(image)
            finally:
                idle.put(runner)

        return np.stack(list(self._pool.map(translate, images)))

    def prepare(self) -> None:
        """Makes the graph, where one serves all sizes."""
        if self._is_resizable:
            self._graph(None)

    def _runners_for(self, count: int, size: Size | None) -> list["_Runner"]:
        """Returns so many runners that share the cores; those for other needs are let go."""
        if self._made_for != (count, size):
            self._runners.clear()  # first, since their memory is needed
            graph = self._graph(size)
            threads = max(self._cores // count, 1)
            self._runners = [_Runner(graph, threads) for _ in range(count)]
            self._made_for = (count, size)
        return self._runners


class _Runner:
    """A graph and the memory that it runs in, for one picture at a time.

    Args:
        graph: the content of a .tflite file.
        threads: that it may use.
    """

    def __init__(self, graph: bytes, threads: int):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=graph, num_threads=threads)
        self._source = self._interpreter.get_input_details()[0]["index"]
        self._target = self._interpreter.get_output_details()[0]["index"]
        self._shape: tuple[int, ...] | None = None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Translates float32 (height, width, channels)."""
        try:
            if image.shape != self._shape:
                self._shape = None
                self._interpreter.resize_tensor_input(self._source, (1, *image.shape))
                self._interpreter.allocate_tensors()
                self._shape = image.shape
            self._interpreter.set_tensor(self._source, image[None])
            self._interpreter.invoke()
        except RuntimeError as error:
            self._shape = None
            raise MemoryError(f"LiteRT has no memory for {image.shape}: {error}") from error
        return self._interpreter.get_tensor(self._target)[0]


def cores_to_use() -> int:
    """Returns on how many cores to compute: those there are, or as many as TensorFlow is set to."""
    asked_for = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if asked_for.isdecimal() and int(asked_for):
        return int(asked_for)
    return available_cores()


def check_runtime() -> None:
    """Raises TranslationError unless what makes and runs int8 graphs is installed."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
        import ai_edge_quantizer  # noqa: F401
    except ImportError as error:
        raise TranslationError(
            '--precision=int8 needs LiteRT and its quantizer: pip install "cyclegan-keras[export]".'
        ) from error
