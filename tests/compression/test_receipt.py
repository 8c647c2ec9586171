import dataclasses
import json
import types

import pytest

from cyclegan_keras.compression.receipt import Receipt, TriedShape
from cyclegan_keras.compression.receipt_files import read_receipt, write_receipt
from cyclegan_keras.compression.receipt_text import exceeded, headline, markdown, tables, title
from cyclegan_keras.files.errors import RunError


def cells(text, heading):
    """Returns the rows of a Markdown table below a heading, the header first."""
    lines = text.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    return [rows[0], *rows[2:]]


def test_a_receipt_survives_json(receipt, tmp_path):
    write_receipt(receipt, tmp_path)
    assert read_receipt(tmp_path) == receipt
    assert sorted(path.name for path in tmp_path.iterdir()) == ["receipt.json", "receipt.md"]


def test_a_receipt_without_measures_survives_json(receipt, tmp_path):
    (direction,) = receipt.directions
    bare = dataclasses.replace(direction, quality=None, inherited=None)
    least = dataclasses.replace(receipt, directions=(bare,), shapes=())
    write_receipt(least, tmp_path)
    assert read_receipt(tmp_path) == least


def test_fields_of_later_versions_are_ignored(receipt):
    assert Receipt.from_dict({**receipt.to_dict(), "later": 1}) == receipt


def test_no_receipt_is_none(tmp_path):
    assert read_receipt(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"teacher": {}}'])
def test_a_damaged_receipt_is_a_sentence(content, tmp_path):
    (tmp_path / "receipt.json").write_text(content)
    with pytest.raises(RunError, match=r"receipt\.json is no receipt of a compression"):
        read_receipt(tmp_path)


def test_the_headline_tells_what_was_won(receipt):
    assert title(receipt) == "Compressed from vintagify: 64x9 to 16x6"
    assert headline(receipt) == [
        "photo to vintage: the student needs 2.42 GMAC for a picture of 256 x 192 px, 20.5 times "
        "less than the teacher's 49.6 GMAC. Its TFLite file (dynamic) has 578 kB, the teacher's "
        "11,596 kB. It takes 14.6 ms a picture, the teacher's 287 ms: 19.7 times as fast.",
        "The target of at most 1,000 kB is kept, with 578 kB.",
        "photo to vintage: on 40 held-out pictures, the student's translations have a PSNR of 26.9 "
        "(26.4 to 27.4) dB to the teacher's, and an SSIM of 0.914. For comparison: the teacher, "
        "mirrored in and back, has 26.8 dB, and copies of the inputs have 18.3 dB. KID: 33 (32.5 "
        "to 33.5) for the student, 31 (30.5 to 31.5) for the teacher, 120 for copies of the "
        "inputs; lower is better.",
    ]


def with_direction(receipt, **changes):
    (direction,) = receipt.directions
    return dataclasses.replace(receipt, directions=(dataclasses.replace(direction, **changes),))


def test_intervals_that_overlap_tell_nothing_apart(receipt):
    quality = receipt.directions[0].quality
    (kid,) = quality.comparisons
    near = dataclasses.replace(kid, student=dataclasses.replace(kid.student, low=31.4))
    quality = dataclasses.replace(quality, comparisons=(near,))
    words = "The intervals overlap: student and teacher are not told apart."
    assert words in markdown(with_direction(receipt, quality=quality))
    assert words not in markdown(receipt)


def test_training_pictures_are_never_called_held_out(receipt):
    quality = dataclasses.replace(receipt.directions[0].quality, is_held_out=False)
    text = markdown(with_direction(receipt, quality=quality))
    assert "on 40 training pictures" in text
    assert "## Likeness to the teacher, on training pictures" in text
    assert text.count("held-out") == 1  # in the note that says that there are none
    assert "photo to vintage: there are no held-out pictures." in text


def test_targets_that_are_exceeded_are_said(receipt):
    targets = {"kb": 577, "ms": 20, "macs": 2e9}
    missed = dataclasses.replace(receipt, targets=targets)
    assert "at most 577 kB (578 kB, exceeded), at most 20 ms (14.6 ms, kept)" in markdown(missed)
    assert exceeded(missed) == [
        "The target of at most 577 kB is exceeded, with 578 kB.",
        "The target of at most 2 GMAC is exceeded, with 2.42 GMAC.",
    ]
    assert exceeded(receipt) == []
    unmeasured = dataclasses.replace(missed, variant="uint8")
    assert "at most 577 kB (not measured)" in markdown(unmeasured)


def test_the_tables_hold_what_was_measured(receipt):
    text = markdown(receipt)
    header, fp32, dynamic = cells(text, "TFLite files")
    assert header[:6] == [
        "variant",
        "teacher kB",
        "student kB",
        "teacher ms",
        "student ms",
        "times as fast",
    ]
    assert fp32 == ["fp32", "46,384", "2,312", "1,148", "58.4", "19.7", "-", "-", "102.1 dB"]
    assert dynamic[:6] == ["dynamic", "11,596", "578", "287", "14.6", "19.7"]
    assert dynamic[-1] == "47.1 dB"
    assert cells(text, "Cost")[1:] == [
        ["multiplications", "49.6 GMAC", "2.42 GMAC", "20.5 times less"],
        ["parameters", "11,400,000", "500,000", "22.8 times less"],
    ]
    names = [row[0] for row in cells(text, "Likeness to the teacher")[1:]]
    assert names == ["student", "teacher, mirrored in and back", "copy: the input unchanged"]
    assert cells(text, "Likeness to the teacher")[1][1:] == [
        "26.9 (26.4 to 27.4)",
        "0.914 (0.904 to 0.924)",
        "28.9 (28.4 to 29.4)",
        "0.920 (0.910 to 0.930)",
        "7.5 (7 to 8)",
    ]
    assert cells(text, "Beside the teacher")[1] == [
        "KID (lower is better)",
        "31 (30.5 to 31.5)",
        "33 (32.5 to 33.5)",
        "0.2",
        "120",
    ]
    assert cells(text, "Shapes tried")[1:] == [
        ["16x6, chosen", "2.42 GMAC", "500,000", "578", "yes"],
        ["32x9", "12.7 GMAC", "2,900,000", "2,964", "no"],
    ]
    assert "ms" not in cells(text, "Shapes tried")[0]  # nobody asked for it


def test_a_file_that_is_too_far_from_its_network_is_said(receipt):
    (direction,) = receipt.directions
    files = [
        dataclasses.replace(each, psnr_db=33.0) if each.network == "student" else each
        for each in direction.costs.files
    ]
    costs = dataclasses.replace(direction.costs, files=tuple(files))
    worse = dataclasses.replace(receipt, directions=(dataclasses.replace(direction, costs=costs),))
    assert cells(markdown(worse), "TFLite files")[2][-1] == "33.0 dB, under 40"


def test_calibrated_files_come_with_a_warning(receipt):
    (direction,) = receipt.directions
    int8 = dataclasses.replace(direction.costs.files[0], variant="int8")
    costs = dataclasses.replace(direction.costs, files=(int8,))
    calibrated = dataclasses.replace(direction, costs=costs)
    warning = "ranges that were calibrated once"
    assert warning in markdown(dataclasses.replace(receipt, directions=(calibrated,)))
    assert warning not in markdown(receipt)


def test_what_is_behind_it_is_told(receipt):
    text = markdown(receipt)
    for words in (
        "- teacher: models/G.pth, step 33, SHA-256 of the weights, AtoB: abc123",
        "- asked for: at most 1,000 kB (578 kB, kept)",
        "- kept, photo to vintage: blocks 1, 3, 4, 6, 8, 9 of the teacher's, counted from 1; "
        "channels 3 at trunk",
        "left 20.0% of what the teacher's hold before a convolution unexplained",
        "and 30.0% at worst (block 3)",
        "- time: shape 3 s, inheritance 12 s, training 600 s",
        "- options: minutes=10.0, seed=7",
        "- trained: 1,234 steps",
        "on 2 CPU threads. All files take turns for 15 rounds, and the least time of each counts.",
        "Offsets are in gray levels of 255. Whole pictures are scaled to 256 x 256 px.",
        "- KID: 1000 times the unbiased MMD^2.",
        "photo to vintage: The error to the truth is left out: there are no counterparts.",
        "- Fewer than 100 pictures: colors may be off.",
        "keras 3.9",
    ):
        assert words in text
    assert "None" not in text


def with_two_directions(receipt, costs):
    """Returns a receipt whose way back costs something else."""
    (direction,) = receipt.directions
    back = dataclasses.replace(direction, signature="b_to_a", words="vintage to photo", costs=costs)
    teacher = dataclasses.replace(receipt.teacher, sha256=("abc", "def"))
    return dataclasses.replace(receipt, directions=(direction, back), teacher=teacher)


def test_two_directions_of_equal_costs_share_their_tables(receipt):
    costs = receipt.directions[0].costs
    slower = [dataclasses.replace(file, ms=2 * file.ms, psnr_db=None) for file in costs.files]
    text = markdown(with_two_directions(receipt, dataclasses.replace(costs, files=tuple(slower))))
    assert "photo to vintage and vintage to photo: each student needs 2.42 GMAC" in text
    dynamic = cells(text, "TFLite files")[2]
    assert dynamic[3:5] == ["574", "29.2"]  # the larger times
    assert dynamic[-1] == "47.1 dB"
    assert "the larger kB, ms and MB are shown" in text
    assert "## Likeness to the teacher: vintage to photo" in text
    assert text.count("percentile bootstrap") == 1  # each protocol once
    assert "AtoB: abc, SHA-256 of the weights, BtoA: def" in text


def test_two_directions_of_other_costs_have_tables_of_their_own(receipt):
    costs = receipt.directions[0].costs
    smaller = dataclasses.replace(costs.networks[1], parameters=1)
    costs = dataclasses.replace(costs, networks=(costs.networks[0], smaller))
    both = with_two_directions(receipt, costs)
    headings = [table.heading for table in tables(both)]
    assert "TFLite files: photo to vintage" in headings
    assert "TFLite files: vintage to photo" in headings
    assert "each student" not in markdown(both)


def test_a_candidate_becomes_a_tried_shape():
    candidate = types.SimpleNamespace(
        shape="16x6", macs=1, parameters=2, kb=None, ms=3.0, fits=True
    )
    tried = TriedShape.of(candidate)
    assert json.loads(json.dumps(dataclasses.asdict(tried))) == {
        "shape": "16x6",
        "macs": 1,
        "parameters": 2,
        "kb": None,
        "ms": 3.0,
        "fits": True,
    }
