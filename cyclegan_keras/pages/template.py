"""HTML made from templates that keep hostile text harmless, and policies that name what may run."""

import base64
import hashlib
import pathlib

import jinja2


def template(path: pathlib.Path) -> jinja2.Template:
    """Opens a template: values are escaped, and one that is missing is an error.

    Args:
        path: the template; others that it includes lie in the same folder.

    Returns:
        the template, whose `render` takes its values.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(path.name)


def policy_source(text: str) -> str:
    """Returns what names an inline script or style in a Content-Security-Policy.

    Args:
        text: what stands between the tags, to the letter.

    Returns:
        such as `'sha256-47DEQpj8...='`, with its quotes.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
