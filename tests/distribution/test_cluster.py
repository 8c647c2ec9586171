import json
import logging
import re
import socket

import pytest
from conftest import ROOT

from cyclegan_keras.distribution.cluster import EXAMPLE, read_cluster, wait_for_all
from cyclegan_keras.files.errors import DistributionError

TWO = {"worker": ["a:1", "b:2"]}


def read(cluster, kind="worker", index=0):
    task = {"type": kind, "index": index}
    return read_cluster({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})


def test_the_first_worker_is_the_chief_unless_there_is_one():
    workers = read(TWO, index=1)
    assert (workers.addresses, workers.index) == (("a:1", "b:2"), 1)
    assert workers.name(0) == "worker 0 (a:1, the chief)"
    assert workers.name(1) == "worker 1 (b:2)"
    with_chief = read({**TWO, "chief": ["c:3"]}, index="1")  # some launchers quote numbers
    assert (with_chief.addresses, with_chief.index) == (("c:3", "a:1", "b:2"), 2)
    assert read({**TWO, "chief": ["c:3"]}, "chief").index == 0


def test_examples_are_valid():
    page = (ROOT / "docs" / "distributed.md").read_text()
    examples = re.findall(r"'(\{.cluster.*\})'", page)
    assert len(examples) == 3
    for index, text in zip((0, 1, 1), examples, strict=True):
        assert read_cluster({"TF_CONFIG": text.replace("$(INDEX)", "1")}).index == index
    assert read_cluster({"TF_CONFIG": EXAMPLE}).addresses == ("10.0.0.1:2222", "10.0.0.2:2222")


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": "{}"}])
def test_no_cluster(environment):
    assert read_cluster(environment) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{'cluster'", "cannot be read"),
        ("[1]", "cannot be read"),
        (json.dumps({"cluster": {"worker": 3}}), "cannot be read"),
        (json.dumps({"cluster": TWO}), "its task {} is not in its cluster"),
        (json.dumps({"cluster": TWO, "task": {"type": "worker", "index": 2}}), "not in its"),
        (json.dumps({"cluster": {**TWO, "ps": ["c:3"]}}), "has ps"),
        (json.dumps({"cluster": {"worker": ["nobody"]}}), "'nobody' is not host:port"),
    ],
)
def test_a_bad_variable_is_refused(text, reason):
    with pytest.raises(DistributionError, match=r"^TF_CONFIG: .*Expected, for") as error:
        read_cluster({"TF_CONFIG": text})
    assert reason in str(error.value)


def test_workers_named_in_an_error_are_found():
    message = "reported from /job:worker/task:1: unhealthy:\n/job:worker/replica:0/task:0"
    assert read({**TWO, "chief": ["c:3"]}, "chief").named_in(message) == [
        "worker 1 (a:1)",
        "worker 2 (b:2)",
    ]
    assert read(TWO).named_in(message) == ["worker 1 (b:2)"]  # not oneself


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_waiting_for_all(caplog):
    with socket.create_server(("127.0.0.1", 0)) as other:
        here, there = free_port(), other.getsockname()[1]
        two = read({"worker": [f"127.0.0.1:{here}", f"127.0.0.1:{there}"]})
        wait_for_all(two, 0.1)
        assert caplog.text == ""
    with caplog.at_level(logging.INFO), pytest.raises(DistributionError) as error:
        wait_for_all(two, 0.005)
    assert f"Waiting for worker 1 (127.0.0.1:{there})." in caplog.text
    assert "within 0.005 minutes" in str(error.value)
    with socket.create_server(("", here)), pytest.raises(DistributionError, match="Cannot listen"):
        wait_for_all(two, 0.1)
