import numpy as np
import psutil

from cyclegan_keras.training.memory import peak_memory


def test_peak_of_the_process_is_what_the_system_counts():
    before, owner = peak_memory()
    assert owner == "this process"
    assert before * 1e9 >= psutil.Process().memory_info().rss * 0.9
    room = int(before * 1e9 - psutil.Process().memory_info().rss) + 200_000_000
    block = np.ones(room, np.uint8)
    after, _ = peak_memory()
    assert block.nbytes == room
    assert 0.1 < after - before < room / 1e9 + 0.1
