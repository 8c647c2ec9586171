import os
import sys

import pytest

from cyclegan_keras.commands import compress, evaluate, train
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.tracking import opening
from cyclegan_keras.tracking.options import TrackingOptions, tracker_names

REQUIRED = {
    train: {"dataset": "demo/ponies"},
    compress: {"model": "none.keras", "shape": "8x2"},
    evaluate: {"model": "copy"},
}


def test_a_list_names_each_tracker_once():
    assert tracker_names("tensorboard, wandb,mlflow,wandb") == ["tensorboard", "wandb", "mlflow"]
    assert tracker_names("none") == []


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("wanb", "Did you mean wandb?"),
        ("tensor_board,wandb", "Did you mean tensorboard?"),
        ("none,wandb", "or none alone."),
        ("", "expected some of tensorboard, wandb, mlflow"),
    ],
)
def test_other_names_are_refused_with_the_nearest_ones(word, part):
    with pytest.raises(ValueError, match=part):
        TrackingOptions(tracker=word)
    for command in (train, compress, evaluate):
        with pytest.raises(OptionError, match=part):
            command.run(tracker=word, dry_run=True, **REQUIRED[command])
        with pytest.raises(OptionError, match=part):
            command.run(tracker=word.split(","), dry_run=True, **REQUIRED[command])


def test_what_is_no_text_is_refused_with_a_sentence():
    for command in (train, compress, evaluate):
        with pytest.raises(OptionError, match="--tracker=3: expected text"):
            command.run(tracker=3, **REQUIRED[command])


def test_a_tracker_that_is_not_installed_names_its_extra(monkeypatch, tmp_path):
    (tmp_path / "wandb").mkdir()  # what wandb itself leaves in the current folder
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(OptionError, match=r'pip install "cyclegan-keras\[wandb\]"\.'):
        opening.check_installed(["tensorboard", "wandb"])


def test_the_home_folder_is_not_told():
    home = os.path.expanduser("~")
    told = opening.public({"dataset": f"{home}/photos", "deep": {"list": [home, 3]}})
    assert told == {"dataset": "~/photos", "deep": {"list": ["~", 3]}}
    assert opening.public(f"{home}2/photos") == f"{home}2/photos"
