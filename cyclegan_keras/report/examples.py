"""Examples as cards of pictures lying on each other, a slider between them."""

from collections.abc import Sequence

from cyclegan_keras.report.base import Example, escape, finite, number_text
from cyclegan_keras.report.pictures import to_data_uri

VIEWS = {"before": "Before", "after": "After", "cycled": "Cycle", "truth": "Counterpart"}


def sorting_score(examples: Sequence[Example], worst_by: str) -> str | None:
    """Returns `worst_by`, or the first score there is where no example has that one."""
    names = list(dict.fromkeys(name for example in examples for name in example.scores))
    return worst_by if worst_by in names else next(iter(names), None)


def worst_first(examples: Sequence[Example], score: str | None) -> list[Example]:
    """Returns the examples from the largest score down; those without one come last."""

    def rank(example: Example) -> tuple[bool, float]:
        number = finite(example.scores.get(score))
        return number is None, 0.0 if number is None else -number

    return sorted(examples, key=rank)


def examples_html(examples: Sequence[Example], score: str | None) -> str:
    """Returns the cards, worst first by `score`."""
    return "".join(_card(example, score) for example in worst_first(examples, score))


def controls_html(examples: Sequence[Example], score: str | None) -> str:
    """Returns the buttons above the cards: which direction, in which order, which picture."""
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.direction] = counts.get(example.direction, 0) + 1
    groups = []
    if len(counts) > 1:
        choices = {"": f"All ({len(examples)})"}
        choices.update({direction: f"{direction} ({n})" for direction, n in counts.items()})
        groups.append(_buttons("direction", "Direction", choices))
    orders = {"worst": "Worst first", "best": "Best first"} if score else {}
    groups.append(_buttons("order", "Order", {**orders, "name": "By name"}))
    groups.append(_buttons("view", "Show", view_choices(examples)))
    return "".join(groups)


def view_choices(examples: Sequence[Example]) -> dict[str, str]:
    """Returns the views that at least one example has, and the slider before them."""
    present = {view for example in examples for view in example.pictures()}
    return {"slider": "Slider", **{v: words for v, words in VIEWS.items() if v in present}}


def _buttons(kind: str, words: str, choices: dict[str, str]) -> str:
    buttons = "".join(
        f'<button type="button" data-{kind}="{escape(value)}" '
        f'aria-pressed="{"true" if k == 0 else "false"}">{escape(label)}</button>'
        for k, (value, label) in enumerate(choices.items())
    )
    return (
        f'<div class="choice" role="group" aria-label="{words}"><span>{words}</span>{buttons}</div>'
    )


def _card(example: Example, score: str | None) -> str:
    name, direction = escape(example.name), escape(example.direction)
    number = finite(example.scores.get(score))
    scores = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{number_text(value)}</dd></div>"
        for key, value in example.scores.items()
    )
    return (
        f'<li class="card" data-name="{name}" data-direction="{direction}" '
        f'data-score="{"" if number is None else number}">'
        f"{_stack(example)}"
        f'<p class="name" dir="auto">{name}</p><p class="direction">{direction}</p>'
        f'<dl class="scores">{scores}</dl></li>'
    )


def _stack(example: Example) -> str:
    height, width = example.before.shape[:2]
    images = "".join(
        f'<img data-picture="{view}" alt="{VIEWS[view]}: {escape(example.name)}" '
        f'width="{width}" height="{height}" loading="lazy" decoding="async" draggable="false" '
        f'src="{to_data_uri(picture)}">'
        for view, picture in example.pictures().items()
    )
    crisp = " crisp" if max(height, width) <= 128 else ""
    return (
        f'<div class="stack{crisp}" data-show="slider">{images}'
        '<input type="range" min="0" max="100" step="1" value="50" '
        f'aria-label="Before and after: {escape(example.name)}">'
        '<span class="handle" aria-hidden="true"></span>'
        '<span class="sides" aria-hidden="true"><span>Before</span><span>After</span></span>'
        '<button type="button" class="enlarge" '
        f'aria-label="Large view: {escape(example.name)}"></button></div>'
    )
