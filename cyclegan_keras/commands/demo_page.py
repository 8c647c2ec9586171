"""Makes the web page of the demo: `make page` runs it, and then serves the page.

python -m cyclegan_keras.commands.demo_page

It trains the demo where there is no finished run of it, which takes minutes, and exports it with a
few of its own pictures as examples. A page that is there already is kept under a number.
"""

import dataclasses
import pathlib
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from cyclegan_keras.cli import flags
from cyclegan_keras.cli.console import run_command
from cyclegan_keras.files.option import option
from pipelines.sources import demo_pictures

EXAMPLES = 3  # of each domain


@dataclasses.dataclass(frozen=True, kw_only=True)
class DemoPageOptions:
    """Where the demo run is, and where its page goes."""

    run_dir: str = option("runs/demo", "Where the demo run is or will be.")
    output: str = option("saved_models/demo", "Folder of the export; the page is web/ in it.")
    port: int = option(8000, "Where the page will be served.", low=0, high=65535)
    web_runtime: str | None = option(
        None, "Where LiteRT.js is, as export.py --web_runtime takes it; by default, npm fetches it."
    )


def run(**options) -> int:
    """Makes the page, as the command does with the same options; returns its exit code."""
    return make_page(flags.as_typed(options, {"page": DemoPageOptions}))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, make_page, {"page": DemoPageOptions}, __doc__)


def make_page(typed: Mapping[str, Any]) -> int:
    """Makes the page that the options typed name; returns the exit code."""
    options = flags.resolve_one(DemoPageOptions, typed)
    # Whatever is missing is said now, and not after minutes of training.
    from cyclegan_keras.export.web.runtime import find_runtime
    from cyclegan_keras.export.web.serve import check_port

    check_port(options.port)
    find_runtime(options.web_runtime)

    from cyclegan_keras.commands import export, train

    # A finished run is taken as it is; an unfinished one is trained to its end.
    exit_code = train.run(preset="demo", run_dir=options.run_dir)
    if exit_code:
        return exit_code

    page = pathlib.Path(options.output).expanduser() / "web"
    if page.exists():
        print(f"{page} is there already: it is kept under the number of its export.")
    with tempfile.TemporaryDirectory() as folder:
        demo_pictures.write("demo/ponies", folder, EXAMPLES)
        return export.run(
            run_dir=options.run_dir,
            output=options.output,
            format="web",
            web_examples=folder,
            web_runtime=options.web_runtime,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv))
