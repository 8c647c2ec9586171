import pathlib

import pytest

from cyclegan_keras.translation.listing import Task

pytest.importorskip("apache_beam")
pipeline = pytest.importorskip("cyclegan_keras.beam.pipeline")


@pytest.mark.parametrize(("count", "largest"), [(1, 1), (31, 1), (200, 6), (2100, 64)])
def test_chunks_hold_every_task_once(count, largest, tmp_path):
    tasks = [
        Task(pathlib.Path(f"in/{i}\udce9\n.png"), pathlib.Path(f"out/{i}.png"))
        for i in range(count)
    ]
    path = tmp_path / "tasks"
    chunks = pipeline.write_tasks(tasks, path)
    assert max(size for _, size in chunks) == largest
    read = [task for chunk in reversed(chunks) for task in pipeline.read_chunk(path, chunk)]
    assert sorted(read, key=lambda task: int(task.target.stem)) == tasks


def test_a_pipeline_holds_offsets_and_no_names(tmp_path):
    """What holds the names of millions of files is larger than runners take."""
    task = Task(pathlib.Path("in/" + "a" * 200), pathlib.Path("out/" + "a" * 200))
    chunks = pipeline.write_tasks([task] * 1000, tmp_path / "tasks")
    assert len(repr(chunks)) < 1000
