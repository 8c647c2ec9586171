"""How the site reads docstrings: an "Example" is code, as "Examples" are for Griffe."""

import re
import textwrap

import griffe

EXAMPLE = re.compile(r"^( *)Example:\n((?:\1 +.*\n?|\n)+)", re.MULTILINE)


class ExampleSections(griffe.Extension):
    """Turns every section "Example" into one that Griffe shows as code."""

    def on_object(self, *, obj: griffe.Object, **kwargs) -> None:
        """Changes the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(_as_examples, obj.docstring.value)


def _as_examples(match: re.Match) -> str:
    indent, body = match.groups()
    if ">>>" not in body:
        # Griffe takes for code what begins with a prompt; other code gets a fence of its own.
        inner = indent + " " * 4
        code = textwrap.indent(textwrap.dedent(body).rstrip(), inner)
        body = f"{inner}```python\n{code}\n{inner}```\n"
    return f"{indent}Examples:\n{body}"
