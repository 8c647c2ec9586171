"""Writes the web page of a model: a folder that any static web server can serve.

    index.html app.js style.css worker.js     the page, its script and what computes beside it
    service_worker.js manifest.webmanifest    for threads on any host, and for use without a network
    models/ runtime/ examples/ licences/      what it loads, by paths relative to the page
    _headers .nojekyll                        for hosts that read them

index.html holds what the page is told of its model, see `facts.py`.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.web import models, runtime
from cyclegan_keras.export.web.facts import page_facts
from cyclegan_keras.export.web.prepared import PreparedPage, cdn_origin
from cyclegan_keras.export.web.single_file import write_single_file
from cyclegan_keras.pages.bundle import bundle
from cyclegan_keras.pages.template import template

PAGE = pathlib.Path(__file__).parent / "page"
SHARED = pathlib.Path(__file__).parents[2] / "pages"
STYLES = (
    SHARED / "base.css",
    SHARED / "compare.css",
    PAGE / "style.css",
    PAGE / "drawing.css",
)
LIBRARY = "runtime/litert.js"
LICENCES = ("LiteRT.js.txt", "apache-2.0.txt")
COLORS = {"background_color": "#fbfaf7", "theme_color": "#fbfaf7"}  # of base.css


def write_web(job: ExportJob) -> list[ExportedFile]:
    """Writes the page into `web`, and as one file into `web.html` where that is asked for.

    Args:
        job: with a `page`.

    Returns:
        The page's .tflite files, as other formats return theirs.

    Raises:
        ExportError: no .tflite file of a direction is good enough.
    """
    site = job.folder / "web"
    (site / "models").mkdir(parents=True)
    (site / "licences").mkdir()

    # ---- what the page loads ----
    exported = models.write_models(job, site / "models")
    kept = [file for file in exported if site in file.path.parents]
    examples = _write_examples(job.page, site)
    litert = {
        "name": runtime.NAME,
        "version": runtime.VERSION,
        "library": LIBRARY,
        "folder": _runtime_folder(job.options.web_cdn),
        "builds": _write_runtime(job.page, site, is_hosted_here=job.options.web_cdn is None),
    }

    script = bundle(PAGE / "main.js")
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    _write_text(site / "app.js", script)
    _write_text(site / "worker.js", bundle(PAGE / "worker" / "worker.js"))
    _write_text(site / "style.css", style)
    for name in ("icon.svg", "service_worker.js"):
        _write_text(site / name, (PAGE / name).read_text(encoding="utf-8"))
    for name in LICENCES:
        text = (PAGE / "licences" / name).read_text(encoding="utf-8")
        _write_text(site / "licences" / name, text)
    policy = _policy(job.options.web_cdn)
    _write_text(site / "_headers", _headers(policy))
    _write_text(site / ".nojekyll", "")  # GitHub Pages leaves out names with _ otherwise

    # ---- the page ----
    about = page_facts(
        job,
        kept,
        site=site,
        examples=examples,
        runtime=litert,
        scripts={
            path: runtime.integrity((site / path).read_bytes()) for path in ("worker.js", LIBRARY)
        },
    )
    strings = _strings()
    _write_text(site / "manifest.webmanifest", _manifest(about["title"]))
    about["version"] = _version(site, about, strings)
    page = template(PAGE / "index.html.jinja").render(
        about=about, strings=strings, policy=policy, style=None, script=None, assets={}
    )
    _write_text(site / "index.html", page)
    if job.options.web_single_file:
        write_single_file(
            job.folder / "web.html",
            site=site,
            template_path=PAGE / "index.html.jinja",
            about=about,
            strings=strings,
            style=style,
            script=script,
        )
    return exported


def _write_examples(page: PreparedPage, site: pathlib.Path) -> list[dict[str, str | None]]:
    """Writes the pictures to try, under names that tell nothing; returns the page's list."""
    if page.examples:
        (site / "examples").mkdir()
    examples = []
    for number, example in enumerate(page.examples, start=1):
        path = f"examples/{number}{example.ending}"
        (site / path).write_bytes(example.data)
        examples.append({"path": path, "name": example.name, "domain": example.domain})
    return examples


def _write_runtime(page: PreparedPage, site: pathlib.Path, *, is_hosted_here: bool) -> dict:
    """Writes LiteRT.js, of which a CDN has the engine; returns the page's facts of its builds."""
    (site / "runtime").mkdir()
    _write_text(site / LIBRARY, page.runtime.library)
    builds = {}
    for build, name in runtime.BUILDS.items():
        script = page.runtime.scripts[build].encode()
        wasm = page.runtime.wasm[build]
        if is_hosted_here:
            shipped = runtime.packed(wasm)
            names = {"script": f"litert_{build}.js", "wasm": f"litert_{build}.wasm.gz"}
            (site / "runtime" / names["script"]).write_bytes(script)
            (site / "runtime" / names["wasm"]).write_bytes(shipped)
        else:
            shipped = wasm
            names = {"script": f"{name}.js", "wasm": f"{name}.wasm"}
        builds[build] = {
            **names,
            "bytes": len(shipped),
            "integrity": {
                "script": runtime.integrity(script),
                "wasm": runtime.integrity(shipped),
                "unpacked": runtime.integrity(wasm),  # for hosts that unpack what they send
            },
        }
    return builds


def _runtime_folder(cdn: str | None) -> str:
    if cdn is None:
        return "runtime/"
    return f"{cdn.rstrip('/')}/@litertjs/core@{runtime.VERSION}/wasm/"


def _strings() -> dict[str, dict[str, str]]:
    """Returns the page's words by language and key, English first."""
    paths = sorted((PAGE / "strings").glob("*.json"), key=lambda path: (path.stem != "en", path))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _manifest(title: str) -> str:
    """Returns what a phone reads that puts the page on its home screen."""
    content = {
        "name": title,
        "short_name": title,
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        **COLORS,
        "icons": [{"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _policy(cdn: str | None) -> str:
    """Returns the policy by which the page loads nothing but its own files."""
    connect = "'self'" if cdn is None else f"'self' {cdn_origin(cdn)}"
    return (
        "default-src 'none'; "
        "script-src 'self' 'wasm-unsafe-eval'; "
        "worker-src 'self' blob:; "  # a service worker, and those that compute
        "style-src 'self'; "
        "img-src 'self' blob: data:; "
        "media-src blob:; "
        "manifest-src 'self'; "
        f"connect-src {connect}; "
        "base-uri 'none'; form-action 'none'"
    )


def _headers(policy: str) -> str:
    """Returns the headers for all paths, as Netlify and Cloudflare Pages read them."""
    return (
        "/*\n"
        f"  Content-Security-Policy: {policy}; frame-ancestors 'self'\n"
        "  Cross-Origin-Opener-Policy: same-origin\n"
        "  Cross-Origin-Embedder-Policy: require-corp\n"
        "  Referrer-Policy: no-referrer\n"
        "  X-Content-Type-Options: nosniff\n"
    )


def _version(site: pathlib.Path, about: Mapping[str, Any], strings: Mapping) -> str:
    """Returns 12 hexadecimal digits of all that the page is, but for the day when it was made."""
    digest = hashlib.sha256()
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        name = path.relative_to(site).as_posix().encode()
        digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    rows = [row for row in about["card"] if row["key"] != "made"]
    facts = json.dumps([{**about, "card": rows}, strings], sort_keys=True)
    digest.update(facts.encode())
    digest.update((PAGE / "index.html.jinja").read_bytes())
    return digest.hexdigest()[:12]


def _write_text(path: pathlib.Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
