"""Times a page's models in Chromium beside LiteRT in Python: the same files, in turns.

    python export.py --run_dir=runs/demo --format=web
    python benchmarks/web.py saved_models/demo/web

Takes pages of `export.py --format=web`. Every file of their first direction is run by the page's
own engine in three browsers, by each build of LiteRT.js: with threads, with one thread, and without
the newer vector instructions (as WebKit has it); and by LiteRT in Python with one thread and with
two. A turn is some pictures of the file's own size, by one after the other of these, so that what
disturbs one disturbs all. A time is that of a picture, from pixels to pixels, and the median of the
rounds: of a clock on the wall, and of all processors together (in a browser, of the processes that
render pages). "First" is what a visitor waits for who comes for the first time, without the
network: to start the runtime, to load and check the model, and to translate a picture; in Python,
to load the file and translate one. "Peak" is the most memory of the process. Prints a table for
each page and, as the last line, JSON. Needs Chromium and chromedriver.
"""

import argparse
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import statistics
import sys

import turns

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

TURN_SECONDS = 0.5  # a turn is as many pictures as take about so long
PYTHON_THREADS = (1, 2)


def main() -> int:
    """Reads the command line, measures every page and prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="+", type=pathlib.Path, help="folders of exported pages")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        from contestants.litert_python import work

        threads, path = arguments.worker.split(":", 1)
        work(pathlib.Path(path), int(threads))
        return 0

    from contestants.litert_browser import chromium_version

    pages = []
    for page in arguments.pages:
        about = read_about(page)
        print(f"\n{page}: {about['title']}\n", flush=True)
        rows = []
        for index, file in enumerate(about["directions"][0]["files"]):
            rows += measure(page, index, file, arguments.rounds)
        print_table(rows)
        pages.append({"page": str(page), "title": about["title"], "rows": rows})
    result = {
        "benchmark": "web",
        "rounds": arguments.rounds,
        "pages": pages,
        "LiteRT.js": about["runtime"]["version"],
        "chromium": chromium_version(),
        "ai-edge-litert": importlib.metadata.version("ai-edge-litert"),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    print(f"\n{json.dumps(result)}")
    return 0


def read_about(page: pathlib.Path) -> dict:
    """Returns the facts that a page's index.html holds."""
    from contestants.litert_browser import about_of

    try:
        return about_of((page / "index.html").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{page} is no page of export.py --format=web: {error}")


class Python:
    """LiteRT in Python, in a process of its own.

    Args:
        path: of the .tflite file.
        threads: that it computes with.
    """

    def __init__(self, path: pathlib.Path, threads: int):
        import psutil

        self.name = f"Python, {threads} thread{'s' * (threads > 1)}"
        self._worker = turns.Worker(f"{threads}:{path}")
        self._process = psutil.Process(self._worker.process.pid)
        self.first_seconds = self._worker.facts["first_seconds"]
        self.peak_mb = 0.0

    def turn(self, count: int) -> turns.Turn:
        """Translates `count` pictures."""
        before = turns.cpu_seconds([self._process])
        answers = [self._worker.ask("translate") for _ in range(count)]
        cpu = turns.cpu_seconds([self._process]) - before
        wall = sum(answer["seconds"] for answer in answers)
        self.peak_mb = answers[-1]["peak_mb"]
        return turns.Turn(wall=wall / count, cpu=cpu / count)

    def end(self) -> None:
        """Ends the process."""
        self._worker.end()


def measure(page: pathlib.Path, index: int, file: dict, rounds: int) -> list[dict]:
    """Returns a row of facts of each contestant that runs a file.

    Args:
        page: folder of the page.
        index: of the file in the page's first direction.
        file: its facts there.
        rounds: that are counted.
    """
    from contestants.litert_browser import BUILDS, Browser

    contestants = []
    try:
        for threads in PYTHON_THREADS:
            contestants.append(Python(page / file["path"], threads))
        for build in BUILDS:
            contestants.append(Browser(page, build, index))
        pictures = []
        for contestant in contestants:
            contestant.turn(1)  # which fills caches
            pictures.append(max(math.ceil(TURN_SECONDS / contestant.turn(1).wall), 1))
        taken = [[] for _ in contestants]
        for _ in range(rounds):
            for contestant, count, each in zip(contestants, pictures, taken, strict=True):
                each.append(contestant.turn(count))
        rows = []
        for contestant, each in zip(contestants, taken, strict=True):
            facts = {name: file[name] for name in ("variant", "height", "width", "bytes")}
            facts["by"] = contestant.name
            facts["wall_ms"] = 1e3 * statistics.median(turn.wall for turn in each)
            facts["cpu_ms"] = 1e3 * statistics.median(turn.cpu for turn in each)
            facts["first_seconds"] = contestant.first_seconds
            facts["peak_mb"] = contestant.peak_mb
            rows.append(facts)
    finally:
        for contestant in contestants:
            contestant.end()
    for row in rows:
        row["cpu_ratio"] = row["cpu_ms"] / rows[0]["cpu_ms"]
    return rows


def print_table(rows: list[dict]) -> None:
    """Prints the rows of a page as Markdown."""
    print("| file | MB | run by | ms | processor ms | Python, 1 thread = 1 | first (s) | peak MB |")
    print("|---" * 8 + "|")
    for row in rows:
        cells = [
            f"`{row['variant']}`",
            f"{row['bytes'] / 1e6:.2f}",
            row["by"],
            figures(row["wall_ms"]),
            figures(row["cpu_ms"]),
            f"{row['cpu_ratio']:.1f}",
            f"{row['first_seconds']:.2f}",
            f"{row['peak_mb']:.0f}",
        ]
        print(f"| {' | '.join(cells)} |")


def figures(number: float) -> str:
    """Writes a number with two digits behind the point where it is small, and none where not.

    Example:
        >>> figures(1.234), figures(12.34), figures(123.4)
        ('1.23', '12.3', '123')
    """
    return f"{number:.{max(2 - int(math.log10(max(number, 1))), 0)}f}"


def cpu_name() -> str:
    """Returns what the processor is called."""
    path = pathlib.Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
