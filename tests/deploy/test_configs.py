"""The text files of deploy/ against the server's protos and against each other."""

import re

import pytest
from conftest import ROOT
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

DEPLOY = ROOT / "deploy"
COMPOSE = (DEPLOY / "docker-compose.yml").read_text()


def test_models_config_is_the_servers():
    protos = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text = (DEPLOY / "models.config").read_text()
    (model,) = text_format.Parse(text, protos.ModelServerConfig()).model_config_list.config
    assert model.model_platform == "tensorflow"
    assert f":{model.base_path}:ro" in COMPOSE
    assert model.version_labels.keys() == {"stable", "canary"}
    assert set(model.version_labels.values()) <= {*model.model_version_policy.specific.versions}


# The package of the server's protos lacks two of them. Their fields, as the server's
# session_bundle_config.proto and monitoring_config.proto have them: name -> (number, type).
BATCHING = {
    "max_batch_size": (1, "Int64Value"),
    "batch_timeout_micros": (2, "Int64Value"),
    "max_enqueued_batches": (3, "Int64Value"),
    "num_batch_threads": (4, "Int64Value"),
    "thread_pool_name": (5, "StringValue"),
    "allowed_batch_sizes": (6, "repeated int64"),
    "pad_variable_length_inputs": (7, "bool"),
}
PROMETHEUS = {"enable": (1, "bool"), "path": (2, "string")}
MONITORING = {"prometheus_config": (1, "Prometheus")}


def message(name):
    """Returns the class of a message of a file that holds the fields above."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="server.proto", package="server", dependency=["google/protobuf/wrappers.proto"]
    )
    of_name = {"Batching": BATCHING, "Prometheus": PROMETHEUS, "Monitoring": MONITORING}
    for described, fields in of_name.items():
        into = file.message_type.add(name=described)
        for field, (number, kind) in fields.items():
            _, repeated, kind = kind.rpartition("repeated ")
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            added = into.field.add(name=field, number=number, label=label)
            if kind.endswith("Value"):
                added.type_name = f".google.protobuf.{kind}"
            elif kind in of_name:
                added.type_name = f".server.{kind}"
            else:
                added.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"server.{name}"))


def test_batching_parameters_have_the_servers_fields():
    text = (DEPLOY / "batching_parameters.txt").read_text()
    parameters = text_format.Parse(text, message("Batching")())
    sizes = list(parameters.allowed_batch_sizes)
    assert sizes == sorted(sizes)
    assert sizes[-1] == parameters.max_batch_size.value
    assert parameters.num_batch_threads.value >= 1


def test_monitoring_config_has_the_servers_fields():
    text = (DEPLOY / "monitoring.config").read_text()
    monitoring = text_format.Parse(text, message("Monitoring")())
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path in (DEPLOY / "README.md").read_text()


def test_the_compose_file_names_a_version_and_files_that_exist():
    assert re.search(r"image: tensorflow/serving:\d+\.\d+\.\d+$", COMPOSE, re.MULTILINE)
    named = re.findall(r"=/config/(\S+)", COMPOSE)
    assert len(named) == 3
    assert all((DEPLOY / name).is_file() for name in named)
