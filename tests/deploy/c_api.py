"""Runs a SavedModel by TensorFlow's C API, by ctypes: without TensorFlow's Python.

`TF_LoadSessionFromSavedModel` and `TF_SessionRun` of the library in TensorFlow's wheel are what a
server in C++ stands on as well: the same loader, the same sessions, the same kernels. Nothing here
imports the package `tensorflow`; only the generated messages of protobuf in it are used.
"""

import ctypes
import functools
import importlib.util
import pathlib
import sys
import types

import numpy as np

FLOAT = 1  # TF_FLOAT, the same number as DT_FLOAT
STRING = 7
_STRING_SIZE = 24  # bytes of a TF_TString
_TAG = b"serve"


class _Output(ctypes.Structure):
    """TF_Output."""

    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class _Buffer(ctypes.Structure):
    """TF_Buffer."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("deallocator", ctypes.c_void_p),
    )


# What each function returns, and what it takes.
_POINTER, _INT, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
_SIGNATURES = {
    "TF_NewStatus": (_POINTER, ()),
    "TF_DeleteStatus": (None, (_POINTER,)),
    "TF_GetCode": (_INT, (_POINTER,)),
    "TF_Message": (ctypes.c_char_p, (_POINTER,)),
    "TF_NewBuffer": (ctypes.POINTER(_Buffer), ()),
    "TF_DeleteBuffer": (None, (ctypes.POINTER(_Buffer),)),
    "TF_NewGraph": (_POINTER, ()),
    "TF_NewSessionOptions": (_POINTER, ()),
    "TF_SetConfig": (None, (_POINTER, ctypes.c_char_p, _SIZE, _POINTER)),
    "TF_LoadSessionFromSavedModel": (
        _POINTER,
        (
            _POINTER,
            _POINTER,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.c_char_p),
            _INT,
            _POINTER,
            ctypes.POINTER(_Buffer),
            _POINTER,
        ),
    ),
    "TF_GraphOperationByName": (_POINTER, (_POINTER, ctypes.c_char_p)),
    "TF_SessionRun": (
        None,
        (
            _POINTER,
            _POINTER,
            ctypes.POINTER(_Output),
            ctypes.POINTER(_POINTER),
            _INT,
            ctypes.POINTER(_Output),
            ctypes.POINTER(_POINTER),
            _INT,
            _POINTER,
            _INT,
            _POINTER,
            _POINTER,
        ),
    ),
    "TF_AllocateTensor": (_POINTER, (_INT, ctypes.POINTER(ctypes.c_int64), _INT, _SIZE)),
    "TF_DeleteTensor": (None, (_POINTER,)),
    "TF_TensorType": (_INT, (_POINTER,)),
    "TF_NumDims": (_INT, (_POINTER,)),
    "TF_Dim": (ctypes.c_int64, (_POINTER, _INT)),
    "TF_TensorData": (_POINTER, (_POINTER,)),
    "TF_TensorByteSize": (_SIZE, (_POINTER,)),
    "TF_StringInit": (None, (_POINTER,)),
    "TF_StringCopy": (None, (_POINTER, ctypes.c_char_p, _SIZE)),
    "TF_StringGetDataPointer": (_POINTER, (_POINTER,)),
    "TF_StringGetSize": (_SIZE, (_POINTER,)),
    "TF_StringDealloc": (None, (_POINTER,)),
}


class TensorFlowError(Exception):
    """What a TF_Status says: a code, the same number as in gRPC, and a message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def messages_alone():
    """Lets the messages below `tensorflow` be imported, and nothing of TensorFlow's Python.

    For a process of its own: `import tensorflow` gives an empty package there.
    """
    package = types.ModuleType("tensorflow")
    package.__spec__ = importlib.util.find_spec("tensorflow")
    package.__path__ = package.__spec__.submodule_search_locations
    sys.modules["tensorflow"] = package
    for name in ("tensorflow.python", "keras", "cyclegan_keras"):
        sys.modules[name] = None  # an import of it fails


@functools.cache
def _load_library():
    folder = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent
    # The second one looks for the first, which has the tensors.
    framework = ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"))
    whole = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"))
    functions = {}
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(whole if hasattr(whole, name) else framework, name)
        function.restype = result
        function.argtypes = arguments
        functions[name] = function
    return types.SimpleNamespace(**functions)


class SavedModel:
    """A SavedModel in a session of its own.

    Graphs are run as they were written: to optimize one takes longer than the pictures of tests.

    Args:
        folder: of the SavedModel.

    Attributes:
        meta_graph: the bytes of its MetaGraphDef, which names the tensors of each signature.

    Raises:
        TensorFlowError: it cannot be loaded.
    """

    def __init__(self, folder):
        self._library = _load_library()
        self._graph = self._library.TF_NewGraph()
        meta_graph = self._library.TF_NewBuffer()
        options = self._library.TF_NewSessionOptions()
        from tensorflow.core.protobuf import config_pb2  # after `messages_alone`

        config = config_pb2.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        config.graph_options.optimizer_options.opt_level = config_pb2.OptimizerOptions.L0
        serialized = config.SerializeToString()
        with _Status(self._library) as status:
            self._library.TF_SetConfig(options, serialized, len(serialized), status)
        with _Status(self._library) as status:
            self._session = self._library.TF_LoadSessionFromSavedModel(
                options,
                None,
                str(folder).encode(),
                (ctypes.c_char_p * 1)(_TAG),
                1,
                self._graph,
                meta_graph,
                status,
            )
        content = meta_graph.contents
        self.meta_graph = ctypes.string_at(content.data, content.length)
        self._library.TF_DeleteBuffer(meta_graph)

    def run(self, feed, fetch):
        """Returns the arrays of the tensors named in `fetch`, for {name of a tensor: array}.

        Strings are arrays of the type object, everything else is float32.

        Raises:
            TensorFlowError: the graph refuses what it is fed.
        """
        library = self._library
        inputs = (_Output * len(feed))(*[self._output(name) for name in feed])
        outputs = (_Output * len(fetch))(*[self._output(name) for name in fetch])
        fed = (_POINTER * len(feed))(*[self._tensor(array) for array in feed.values()])
        found = (_POINTER * len(fetch))()
        try:
            with _Status(library) as status:
                library.TF_SessionRun(
                    self._session,
                    None,
                    inputs,
                    fed,
                    len(feed),
                    outputs,
                    found,
                    len(fetch),
                    None,
                    0,
                    None,
                    status,
                )
            return [self._array(tensor) for tensor in found]
        finally:
            for tensor in fed:
                self._delete_fed(tensor)
            for tensor in found:
                if tensor:
                    library.TF_DeleteTensor(tensor)

    def _output(self, name):
        operation, _, index = name.partition(":")
        found = self._library.TF_GraphOperationByName(self._graph, operation.encode())
        if not found:
            raise ValueError(f"The graph has no operation {operation}")
        return _Output(found, int(index))

    def _tensor(self, array):
        library = self._library
        is_string = array.dtype == object
        size = array.size * _STRING_SIZE if is_string else array.size * 4
        dimensions = (ctypes.c_int64 * array.ndim)(*array.shape)
        kind = STRING if is_string else FLOAT
        tensor = library.TF_AllocateTensor(kind, dimensions, array.ndim, size)
        data = library.TF_TensorData(tensor)
        if is_string:
            for number, value in enumerate(array.ravel()):
                library.TF_StringInit(data + number * _STRING_SIZE)
                library.TF_StringCopy(data + number * _STRING_SIZE, value, len(value))
        else:
            ctypes.memmove(data, np.ascontiguousarray(array, "float32").ctypes.data, size)
        return tensor

    def _delete_fed(self, tensor):
        """Strings that were made here are freed here; those of answers belong to TensorFlow."""
        library = self._library
        if library.TF_TensorType(tensor) == STRING:
            data = library.TF_TensorData(tensor)
            for start in range(0, library.TF_TensorByteSize(tensor), _STRING_SIZE):
                library.TF_StringDealloc(data + start)
        library.TF_DeleteTensor(tensor)

    def _array(self, tensor):
        library = self._library
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        data, size = library.TF_TensorData(tensor), library.TF_TensorByteSize(tensor)
        if library.TF_TensorType(tensor) != STRING:
            return np.frombuffer(ctypes.string_at(data, size), "float32").reshape(shape)
        strings = np.empty(size // _STRING_SIZE, object)
        for number in range(len(strings)):
            string = data + number * _STRING_SIZE
            start = library.TF_StringGetDataPointer(string)
            strings[number] = ctypes.string_at(start, library.TF_StringGetSize(string))
        return strings.reshape(shape)


class _Status:
    """A TF_Status for a block, at whose end it becomes a TensorFlowError unless all went well."""

    def __init__(self, library):
        self._library = library

    def __enter__(self):
        self._status = self._library.TF_NewStatus()
        return self._status

    def __exit__(self, *_):
        code = self._library.TF_GetCode(self._status)
        message = self._library.TF_Message(self._status).decode(errors="replace")
        self._library.TF_DeleteStatus(self._status)
        if code:
            raise TensorFlowError(code, message)
