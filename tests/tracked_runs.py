"""Reads back what trackers have stored, from wandb's file of a run and from a store of MLflow."""

import dataclasses
import json
import pathlib
import re
import struct
import time

# A .wandb file: 7 bytes, then blocks as LevelDB's log has them, of records in wandb's own protobuf.
# https://github.com/google/leveldb/blob/main/doc/log_format.md
START_BYTES = 7
BLOCK_BYTES = 32768
HEADER = struct.Struct("<IHB")  # checksum, length and kind of a part of a record
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclasses.dataclass
class Tracked:
    """What a tracker has of a run.

    Attributes:
        points: curve -> [(step, value), ...] in the order in which they were logged.
        pictures: name -> steps that have a picture.
        options: as the tracker shows them.
        status: of the run, as the tracker calls it.
    """

    points: dict[str, list[tuple[int, float]]]
    pictures: dict[str, list[int]]
    options: dict
    status: str | None

    def steps(self, name: str) -> list[int]:
        return [step for step, _ in self.points[name]]


def wandb_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of all processes that have logged to a run offline, in their order."""
    return sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))


def wandb_records(path: pathlib.Path):
    """Yields the records of a .wandb file; the end of one that was killed may be missing."""
    from wandb.proto import wandb_internal_pb2

    data = path.read_bytes()
    assert data[:4] == b":W&B"
    at, parts = START_BYTES, []
    while at + HEADER.size <= len(data):
        left = BLOCK_BYTES - at % BLOCK_BYTES
        if left < HEADER.size:  # padding
            at += left
            continue
        _, length, kind = HEADER.unpack_from(data, at)
        if at + HEADER.size + length > len(data):
            return
        parts.append(data[at + HEADER.size : at + HEADER.size + length])
        at += HEADER.size + length
        if kind in (FULL, LAST):
            yield wandb_internal_pb2.Record.FromString(b"".join(parts))
            parts = []


def wait_for_exit(path: pathlib.Path) -> None:
    """Waits until a .wandb file is whole: a process of wandb's own writes it, a moment later."""
    while all(record.WhichOneof("record_type") != "exit" for record in wandb_records(path)):
        time.sleep(0.01)


def row_of(history) -> dict:
    """Returns a row by the names under which it was logged, without wandb's own (_step, ...)."""
    row = {}
    for item in history.item:
        name, *within = item.nested_key or [item.key]
        value = json.loads(item.value_json)
        if within:  # a file, such as a picture, is told field by field
            row.setdefault(name, {})["/".join(within)] = value
        elif not name.startswith("_"):
            row[name] = value
    return row


def from_wandb(folder: pathlib.Path) -> Tracked:
    """Reads what all processes have logged to the run of wandb in `folder`; they have one id."""
    points, pictures, options, status, ids = {}, {}, {}, None, set()
    for path in wandb_files(folder):
        ids.add(re.fullmatch("run-(.*)", path.stem)[1])
        for record in wandb_records(path):
            kind = record.WhichOneof("record_type")
            if kind == "history":
                row = row_of(record.history)
                step = row.pop("step")
                for name, value in row.items():
                    if isinstance(value, dict):
                        assert (path.parent / "files" / value["path"]).is_file()
                        pictures.setdefault(name, []).append(step)
                    else:
                        points.setdefault(name, []).append((step, value))
            if kind == "config":
                for item in record.config.update:
                    options[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
            if kind == "exit":
                status = record.exit.exit_code
    assert len(ids) == 1
    return Tracked(points=points, pictures=pictures, options=options, status=status)


def from_mlflow(store: str, run_id: str) -> Tracked:
    """Reads a run of a store of MLflow."""
    import mlflow

    client = mlflow.MlflowClient(store)
    run = client.get_run(run_id)
    points = {
        name: [(metric.step, metric.value) for metric in client.get_metric_history(run_id, name)]
        for name in run.data.metrics
    }
    pictures = {}
    for file in client.list_artifacts(run_id, "images"):
        found = re.match(r"images/(.+)\+step\+(\d+)\+.*\.png", file.path)
        if found:
            pictures.setdefault(found[1], []).append(int(found[2]))
    return Tracked(
        points=points,
        pictures={name: sorted(steps) for name, steps in pictures.items()},
        options=run.data.params | run.data.tags,
        status=run.info.status,
    )
