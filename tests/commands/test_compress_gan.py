"""Students are kept from before the adversarial part or after it, whatever comes between."""

import shutil

import pytest
from tiny_compressions import TINY, keep_small, run, same_weights, untrained_ponies

from cyclegan_keras.commands import compress_results
from cyclegan_keras.compression import keeping
from cyclegan_keras.compression.receipt_files import read_receipt
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.run import Run
from cyclegan_keras.weights.networks import load_network
from pipelines.sources import demo

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.release,
]


class KilledError(BaseException):
    """In place of a signal that no process survives."""


@pytest.fixture(scope="module", autouse=True)
def small(small_and_without_graphs, efficientnet):
    """Few pictures, nothing exported, and the real features."""
    with pytest.MonkeyPatch.context() as patch:
        keep_small(patch)
        patch.setattr(demo, "TEST_COUNT", 6)  # three to choose by, and three to judge on
        patch.setattr(compress_results, "features_or_none", lambda: efficientnet)
        yield


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A compression that was killed after it had been decided which students are kept."""
    folder = tmp_path_factory.mktemp("decided")
    words = [f"--model={untrained_ponies(folder / 'ponies')}", f"--run_dir={folder / 'small'}"]
    words += [*TINY, "--direction=AtoB", "--gan", "--steps=3", "--learning_rate=0.1"]
    real = Run.save_facts

    def save_facts(self, facts):
        real(self, facts)
        if "adversarial_is_kept" in facts.get("compression", {}):
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "save_facts", save_facts)
        with pytest.raises(KilledError):
            run(*words)
    return folder / "small"


def consistent_outcome(run_dir):
    """Returns whether the adversarial students are kept, which everything must agree on."""
    is_kept = Run(run_dir).saved_facts()["compression"]["adversarial_is_kept"]
    student = networks_of_run(run_dir).networks["generator_g"]
    before = networks_of_run(f"{run_dir}@2").networks["generator_g"]
    assert same_weights(student, before) == (not is_kept)
    assert same_weights(student, load_network(run_dir / "generator_g.keras"))
    receipt = read_receipt(run_dir)
    note, about_pictures = receipt.notes
    assert "judged on every second test picture" in about_pictures
    assert receipt.directions[0].quality.count == 3
    assert note.startswith(f"The students {'after' if is_kept else 'before'} the adversarial part")
    assert "KID" in note
    return is_kept


def test_either_outcome_is_carried_out_after_a_kill(decided, tmp_path, monkeypatch):
    assert not (decided / "generator_g.keras").exists()
    other = shutil.copytree(decided, tmp_path / "other")
    assert run(f"--run_dir={decided}") == 0
    first = consistent_outcome(decided)

    # The same run where the other students are the better ones, and killed after the weights.
    facts = Run(other).saved_facts()
    del facts["compression"]["adversarial_is_kept"], facts["compression"]["notes"]
    Run(other).save_facts(facts)
    real = keeping.keep_better
    monkeypatch.setattr(keeping, "keep_better", lambda before, after: real(after, before))

    def killed(*arguments):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("cyclegan_keras.commands.compress.print_generators", killed)
        with pytest.raises(KilledError):
            run(f"--run_dir={other}")
    monkeypatch.undo()
    assert run(f"--run_dir={other}") == 0
    assert consistent_outcome(other) is not first
    weights = [networks_of_run(each).networks["generator_g"] for each in (decided, other)]
    assert not same_weights(*weights)
