import numpy as np

from cyclegan_keras.evaluation import pages
from cyclegan_keras.evaluation.protocol import Pictures, evaluate

INPUTS = list(np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8))


def test_curves_of_a_run_that_is_being_written(tmp_path):
    file = tmp_path / "metrics.jsonl"
    assert pages.curves_of(file) == {}
    file.write_text('{"step": 5, "epoch": 1, "d_x": 0.5}\n{"step": 9, "d_x": 0.25}\n{"step": 1')
    assert pages.curves_of(file) == {"d_x": [(5, 0.5), (9, 0.25)]}


def test_the_worst_come_first_and_others_are_spread(toy_network):
    changed = [INPUTS[i] if i != 4 else 255 - INPUTS[i] for i in range(6)]
    answers = iter(changed)
    pictures = Pictures(inputs=INPUTS, real=INPUTS, other_real=INPUTS, truth=changed)
    found = evaluate(
        lambda x: np.stack([next(answers) for _ in x]) / 127.5 - 1,
        lambda x: x,
        pictures,
        source="a",
        target="b",
        network=None,
        metrics=["cycle"],
    )
    for network in (None, toy_network):
        examples = pages._examples(found, pictures, network, 4)
        assert len(examples) == 4
        assert examples[0].name == "picture 4"
        assert examples[0].scores["faithfulness"] > 0 == examples[1].scores["faithfulness"]
        assert examples[0].scores["L1 to the truth"] == 0


def test_a_page_holds_all(tmp_path, toy_network):
    pictures = Pictures(inputs=INPUTS, real=INPUTS, other_real=INPUTS, names=list("abcdef"))
    found = evaluate(
        lambda x: -x, lambda x: -x, pictures, source="horse", target="zebra", network=toy_network
    )
    pages.write_page(
        tmp_path / "new" / "report.html",
        [(found, pictures)],
        facts={"model": "mine"},
        curves={"d_x": [(1, 2.0), (2, 1.0)]},
        network=toy_network,
        count=3,
    )
    page = (tmp_path / "new" / "report.html").read_text()
    for words in (
        "mine: horse to zebra",
        "KID",
        "SSIM of the cycle",
        "d_x",
        "horse to zebra, error against the true counterparts: not measured, because the pictures",
    ):
        assert words in page
    assert page.count("data:image") >= 9
