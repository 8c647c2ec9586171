import pytest

from cyclegan_keras.evaluation.features import open_features
from cyclegan_keras.files.errors import EvaluationError


def test_the_default_network_opens(efficientnet):  # by `open_features`
    assert efficientnet.name == "efficientnet_lite0"


def test_wrong_weights_are_a_sentence(tmp_path):
    with pytest.raises(EvaluationError, match="--features=inception cannot be used"):
        open_features("inception", str(tmp_path / "none.pth"))
    (tmp_path / "bad.pth").write_bytes(b"x" * 100)
    with pytest.raises(EvaluationError, match="--features=efficientnet_lite0 cannot be used"):
        open_features("efficientnet_lite0", str(tmp_path / "bad.pth"))
