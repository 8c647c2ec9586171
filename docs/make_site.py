"""Builds the documentation as a site: python docs/make_site.py [serve].

The result is in site/, and opens without a server too: site/index.html. Its search needs one, such
as that of `serve`. The packages of locks/docs.lock are enough, since the pages of the API are read
from the source.

MkDocs takes its pages from one folder. They are laid together in build/docs as links, in the places
that they have in the project, so that a link from one page to another leads to the same page in the
site, on a code host and in an editor.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
GATHERED = ROOT / "build" / "docs"
# What the site shows or hands out, as patterns of paths in the project.
PARTS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "benchmarks/README.md",
    "deploy/README.md",
    "docs/*.md",
    "docs/api/*.md",
    "docs/pictures/*.png",
    "docs/site/*.css",
    "docs/site/*.js",
    "cyclegan_keras/export/web/page/icon.svg",
    "cyclegan_keras/metrics/class_lists/*.txt",
    "notebooks/*.ipynb",
    "tests/golden/README.md",
)


def main() -> int:
    """Builds the site, or shows it while its pages are written; returns MkDocs' exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="?", choices=("build", "serve"), default="build")
    parser.add_argument("--site_dir", default="site", help="the folder to build")
    given = parser.parse_args()

    gather_pages()

    command = [sys.executable, "-m", "mkdocs", given.command, "--strict"]
    if given.command == "build":
        command += ["--clean", "--site-dir", os.path.abspath(given.site_dir)]
    # Material for MkDocs tells at every start of its own future; CONTRIBUTING.md does so as well.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def gather_pages() -> None:
    """Makes the folder of the pages anew."""
    shutil.rmtree(GATHERED, ignore_errors=True)
    for pattern in PARTS:
        for path in sorted(ROOT.glob(pattern)):
            link = GATHERED / path.relative_to(ROOT)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


if __name__ == "__main__":
    sys.exit(main())
