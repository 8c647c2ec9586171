"""The gRPC interface of the stand-in, by the server's official protos."""

import contextlib
from concurrent import futures

import grpc
import tensorflow as tf
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
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        outputs = _answer(context, self._standin.predict, request.model_spec, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
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
