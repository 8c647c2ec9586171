import dataclasses
import pathlib

import pytest

from cyclegan_keras.cli import flags
from cyclegan_keras.commands import compress, evaluate, export, train, translate

ALL_GROUPS = {
    "train": train.GROUPS,
    "compress": compress.GROUPS,
    "evaluate": evaluate.GROUPS,
    "export": export.GROUPS,
    "translate": translate.GROUPS,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paint:
    brushes: int = dataclasses.field(
        default=3, metadata={"help": "How many brushes.", "low": 1, "high": 9, "aliases": ("n_br",)}
    )
    gloss: bool = dataclasses.field(default=True, metadata={"help": "Shine."})
    width: float | None = dataclasses.field(default=None, metadata={"help": "Width in px."})
    color: str = dataclasses.field(
        default="red", metadata={"help": "Color.", "choices": ("red", "blue")}
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ink(Paint):
    nib: str | None = dataclasses.field(default=None, metadata={"help": "Nib.", "saved": False})
    dots: str = dataclasses.field(default="none", metadata={"help": "Dots.", "several": True})


GROUPS = {"paint": Paint}


def parse(*words):
    return flags.parse(["program", *words], GROUPS)


def test_only_typed_flags_are_returned():
    assert parse() == {}
    assert parse("--brushes=4", "--nogloss", "--width=1e-3") == {
        "brushes": 4,
        "gloss": False,
        "width": 1e-3,
    }


def test_a_typed_default_counts_as_typed():
    assert parse("--brushes=3") == {"brushes": 3}


def test_alias_sets_the_option():
    assert parse("--n_br=7") == {"brushes": 7}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--brush=4", "Unknown flag --brush. Did you mean --brushes?"),
        ("--zzz=4", "Unknown flag --zzz. See --help."),
        ("--brushes=many", "--brushes=many: expected a whole number."),
        ("--n_br=many", "--brushes=many: expected a whole number."),
        ("--width=wide", "--width=wide: expected a number."),
        ("--gloss=perhaps", "--gloss=perhaps: expected true or false."),
        ("--color=green", "--color=green: expected one of red, blue."),
        ("--color=bleu", "--color=bleu: expected one of red, blue. Did you mean blue?"),
        ("brushes=4", "Unexpected argument 'brushes=4'"),
    ],
)
def test_bad_command_line_is_one_sentence(word, message):
    with pytest.raises(flags.OptionError) as caught:
        parse(word)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_requested(word):
    with pytest.raises(flags.HelpRequested):
        parse(word)


def test_later_layers_win():
    layers = ({"brushes": 4, "color": "blue"}, {"brushes": 5})
    assert flags.resolve(GROUPS, *layers) == {"paint": Paint(brushes=5, color="blue")}
    assert flags.resolve_one(Paint, *layers) == Paint(brushes=5, color="blue")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"brushes": 0}, "--brushes=0: expected at least 1."),
        ({"brushes": 10}, "--brushes=10: expected at most 9."),
        ({"color": "green"}, "--color=green: expected one of red, blue."),
        ({"color": "blu"}, "--color=blu: expected one of red, blue. Did you mean blue?"),
        ({"size": 1}, "Unknown option 'size'. See --help."),
        ({"brush": 1}, "Unknown option 'brush'. Did you mean brushes?"),
        ({"width": float("nan")}, "--width=nan: expected a number."),
        ({"brushes": "x"}, "--brushes=x: expected a whole number."),
    ],
)
def test_bounds_are_checked_whatever_layer_they_come_from(values, message):
    with pytest.raises(flags.OptionError) as caught:
        flags.resolve(GROUPS, values)
    assert message in str(caught.value)


def test_lists_and_paths_of_python_become_text():
    given = {"dots": ["a", pathlib.Path("b/c"), 3], "nib": pathlib.Path("n"), "brushes": 2}
    typed = flags.as_typed(given, {"ink": Ink})
    assert typed == {"dots": "a,b/c,3", "nib": "n", "brushes": 2}
    assert flags.as_typed({"dots": ("a",)}, {"ink": Ink}) == {"dots": "a"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nib": ["a", "b"]}, "expected text."),
        ({"dots": {"a": 1}}, "expected text, or several separated by commas."),
        ({"brushes": [1, 2]}, "expected a whole number."),
        ({"brush": [1]}, "Did you mean brushes?"),
    ],
)
def test_lists_are_refused_where_one_is_expected(given, message):
    with pytest.raises(flags.OptionError) as caught:
        flags.resolve_one(Ink, flags.as_typed(given, {"ink": Ink}))
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize("command", ALL_GROUPS)
def test_options_that_speak_of_commas_take_lists(command):
    for name, field in flags.fields(ALL_GROUPS[command]).items():
        if "comma" in field.metadata["help"] or "0,4,8" in field.metadata["help"]:
            assert field.metadata.get("several"), name


def test_license_has_two_spellings():
    words = ["export.py", "--license=MIT"]
    assert flags.parse(words, export.GROUPS) == {"licence": "MIT"}


def test_values_that_do_not_go_together():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Pair(Paint):
        def __post_init__(self):
            raise ValueError("choose one")

    with pytest.raises(flags.OptionError, match="choose one"):
        flags.resolve({"paint": Pair}, {})


def test_flatten_and_resolve_are_inverse():
    options = {"ink": Ink(nib="fine", width=2.0)}
    assert flags.resolve({"ink": Ink}, flags.flatten(options)) == options
    assert "nib" not in flags.flatten(options, saved_only=True)


def test_foreign_flag_names_its_owners():
    methods = {"paint": Paint, "ink": Ink}
    flags.refuse_other_methods({"nib": "fine", "brushes": 2}, "ink", methods)
    with pytest.raises(
        flags.OptionError, match="--nib does not belong to --method=paint, but to: ink"
    ):
        flags.refuse_other_methods({"nib": "fine"}, "paint", methods)


def test_an_option_declared_twice_is_refused_but_an_inherited_one_is_not():
    assert list(flags.fields({"paint": Paint, "ink": Ink})) == [
        "brushes",
        "gloss",
        "width",
        "color",
        "nib",
        "dots",
    ]
    other = dataclasses.make_dataclass("Other", [("gloss", bool, dataclasses.field(default=True))])
    with pytest.raises(ValueError, match="gloss is declared twice"):
        flags.fields({"paint": Paint, "other": other})


def test_help_and_table_show_every_option():
    help_text, table = flags.help_text(GROUPS, "Usage."), flags.option_table(GROUPS)
    for name, field in flags.fields(GROUPS).items():
        assert name in help_text
        assert f"`--{name}`" in table
        assert field.metadata["help"] in help_text
        assert field.metadata["help"] in table
    assert "also --n_br" in help_text
    assert "one of red, blue" in help_text


@pytest.mark.parametrize(
    ("word", "value"),
    [("--gloss=on", True), ("--gloss=off", False), ("--gloss=false", False), ("--nogloss", False)],
)
def test_switches_are_also_on_and_off(word, value):
    assert parse(word) == {"gloss": value}


def test_inherited_options_and_groups_of_one_class_are_listed_once():
    special = dataclasses.make_dataclass(
        "Special",
        [("edge", int, dataclasses.field(default=1, metadata={"help": "Sharp."}))],
        bases=(Paint,),
        frozen=True,
        kw_only=True,
    )
    groups = {"paint": Paint, "knife": special, "blade": special}
    for text in (flags.help_text(groups, "Usage."), flags.option_table(groups)):
        assert text.count("--[no]gloss") + text.count("`--gloss`") == 1
        assert "knife, blade" in text
    assert set(flags.fields(groups)) == {f.name for f in dataclasses.fields(special)}
