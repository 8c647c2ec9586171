"""The gRPC interface of the stand-in, by the server's official protos."""

import contextlib
from concurrent import futures

import grpc
import numpy as np
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

_LARGEST = 2**31 - 1  # bytes of a message, as the server sets it


@contextlib.contextmanager
def serve(standin, port=0):
    """Serves gRPC while the block lasts; yields host:port."""
    server = grpc.server(
        futures.ThreadPoolExecutor(40),
        options=[("grpc.max_receive_message_length", _LARGEST), ("grpc.so_reuseport", 0)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predict(standin), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(standin), server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _answer(context, function, *arguments):
    try:
        return function(*arguments)
    except Exception as refusal:
        # A Refusal; anything else is a defect of the stand-in, and says so.
        return context.abort(getattr(refusal, "code", grpc.StatusCode.UNKNOWN), str(refusal))


class _Predict(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, standin):
        self._standin = standin

    def Predict(self, request, context):  # noqa: N802, the protocol's name
        inputs = {name: _array(value) for name, value in request.inputs.items()}
        outputs = _answer(context, self._standin.predict, request.model_spec, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(_tensor(value))
        return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        return _answer(context, self._standin.metadata, request.model_spec)


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, standin):
        self._standin = standin

    def GetModelStatus(self, request, context):  # noqa: N802
        response = get_model_status_pb2.GetModelStatusResponse()
        response.CopyFrom(_answer(context, self._standin.status, request.model_spec))
        return response


def _array(tensor):
    """The array of a TensorProto of strings or floats."""
    shape = [each.size for each in tensor.tensor_shape.dim]
    if tensor.dtype == types_pb2.DT_STRING:
        strings = np.empty(len(tensor.string_val), object)
        strings[:] = tensor.string_val
        return strings.reshape(shape)
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, "float32").reshape(shape)
    return np.array(tensor.float_val, "float32").reshape(shape)


def _tensor(array):
    """The TensorProto of strings or floats."""
    tensor = tensor_pb2.TensorProto()
    for side in array.shape:
        tensor.tensor_shape.dim.add(size=side)
    if array.dtype == object:
        tensor.dtype = types_pb2.DT_STRING
        tensor.string_val.extend(array.ravel())
    else:
        tensor.dtype = types_pb2.DT_FLOAT
        tensor.tensor_content = array.tobytes()
    return tensor
