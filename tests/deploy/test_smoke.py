"""deploy/smoke.sh itself, with the stand-in in the place of the container.

This checks that the script asks what it says; the answers of the real server need Docker.
"""

import os
import signal
import socket
import subprocess
import sys

import pytest
from conftest import ROOT

DOCKER = """#!/bin/sh
# Starts and stops the stand-in where docker compose would start and stop the server.
case "$*" in
"compose up -d")
    {python} -m deploy.standin_alone --config="$CONFIG/models.config" --base="$MODELS/$MODEL" \\
        --rest_port="$REST_PORT" --grpc_port="$GRPC_PORT" > {log} 2>&1 &
    echo $! > {pid} ;;
"compose down") kill "$(cat {pid})" ;;
*) echo "unexpected: $*"; exit 1 ;;
esac
"""


@pytest.mark.release
def test_smoke_passes_on_the_stand_in(models, make_picture, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    pid = tmp_path / "pid"
    script = DOCKER.format(python=sys.executable, log=tmp_path / "log", pid=pid)
    (programs / "docker").write_text(script)
    (programs / "docker").chmod(0o755)
    (tmp_path / "in.png").write_bytes(make_picture())
    with socket.socket() as rest, socket.socket() as grpc:
        rest.bind(("127.0.0.1", 0))
        grpc.bind(("127.0.0.1", 0))
        rest_port, grpc_port = rest.getsockname()[1], grpc.getsockname()[1]
    environment = {
        **os.environ,
        "REST_PORT": str(rest_port),
        "GRPC_PORT": str(grpc_port),
        "MODELS": str(models.parent),
        "MODEL": models.name,
        "PYTHON": sys.executable,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "tests"),
    }
    command = ["bash", ROOT / "deploy" / "smoke.sh", tmp_path / "in.png"]
    process = subprocess.Popen(
        command,
        env=environment,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        out, _ = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    log = (tmp_path / "log").read_text()
    assert process.returncode == 0, out[-3000:] + log[-3000:]
    for step in ("gRPC", "the other direction", "32 clients", "labels", "all is well"):
        assert f"== {step}" in out
