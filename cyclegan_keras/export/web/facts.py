"""What the page is told of its model: one JSON object, `about`, inside of its HTML.

    format        1, the version of this object
    version       12 hexadecimal digits of the page's content
    scripts       digests of the scripts that compute, by path
    title, description
    directions    for each that the model translates:
        signature         "a_to_b" or "b_to_a"
        source, target    names of the domains, such as "horse" and "zebra"
        domain            of the source: "A" or "B"
        input_channels, output_channels      1 or 3
        keeps_detail      whether detail finer than the network's pixels is kept from the picture
        drawing           what can be drawn for it (`palette.py`), or null
        files             its .tflite files, those of the first size first:
            path, bytes, sha256
            variant, dtype    such as "fp16" and "float32", the type of its pictures' numbers
            height, width     of its pictures in px
            psnr_db           how near it is to Keras
            check             what it makes of the made picture (`models.check_figures`)
        default_on        the index of the file for "wasm", the processor, and for "webgpu"
    examples      path and name of each picture to try, and its domain, "A", "B" or null for any
    card          rows of the model card (`card.py`): key, and either a value or the key of a word;
                  for measures, also "details", how they were taken
    runtime       LiteRT.js:
        name, version
        library           path of the library, a classic script
        folder            where the builds are: a folder of the page, or an address
        builds            for each of "threaded", "simd" and "compat":
            script, wasm      names of its files
            bytes             of wasm
            integrity         digests of script and wasm, and of wasm "unpacked"

Paths are relative to the page.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.web import card, models
from cyclegan_keras.files.direction import Direction

FORMAT = 1


def page_facts(
    job: ExportJob,
    files: Sequence[ExportedFile],
    *,
    site: pathlib.Path,
    examples: Sequence[Mapping[str, str | None]],
    runtime: Mapping[str, Any],
    scripts: Mapping[str, str],
) -> dict[str, Any]:
    """Returns all facts but the version, which is None.

    Args:
        job: what is exported.
        files: the page's .tflite files.
        site: the page's folder.
        examples: as the page is told of them.
        runtime: as the page is told of it.
        scripts: digests by path.
    """
    return {
        "format": FORMAT,
        "version": None,
        "scripts": dict(scripts),
        "title": card.title(job),
        "description": job.description.get("description") or "",
        "directions": [
            _direction(
                job, direction, [file for file in files if file.direction == direction], site
            )
            for direction in job.generators
        ],
        "examples": list(examples),
        "card": card.card(job, files),
        "runtime": dict(runtime),
    }


def _direction(
    job: ExportJob, direction: Direction, files: Sequence[ExportedFile], site: pathlib.Path
) -> dict[str, Any]:
    generator = job.generators[direction]
    described = [models.facts_of_file(file, site) for file in files]
    return {
        "signature": direction.signature,
        "source": generator.description.source,
        "target": generator.description.target,
        "domain": direction.source,
        "input_channels": generator.input_shape[-1],
        "output_channels": generator.output_shape[-1],
        "keeps_detail": card.keeps_detail(generator),
        "drawing": job.page.drawings.get(direction),
        "files": described,
        "default_on": models.default_on(described, parameters=generator.count_params()),
    }
