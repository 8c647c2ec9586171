import zipfile

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.hit_rate import CLASSES, classes_of, hit_rate_measures, hits

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")


@pytest.mark.parametrize(
    ("word", "classes"),
    [("zebra", (340,)), ("Horses", (339,)), ("elephant", (385, 386)), ("polar_bear", (296,))],
)
def test_words_for_domains(word, classes):
    assert classes_of(word) == classes


@pytest.mark.parametrize("word", ["summer", "vangogh", ""])
def test_words_without_a_class(word):
    with pytest.raises(MetricError, match="No class of ImageNet"):
        classes_of(word)


def test_classes_exist():
    assert all(0 <= number < 1000 for classes in CLASSES.values() for number in classes or ())


def test_hits():
    likely = [[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.3, 0.4, 0.3]]
    assert hits(likely, [2]).tolist() == [True, False, False]
    assert hits(likely, [1], top=2).tolist() == [True, True, True]
    assert hits(likely, [0, 2]).tolist() == [True, True, False]


def test_measure(toy_network, monkeypatch):
    monkeypatch.setitem(CLASSES, "green", {1: "green"})
    green, red = (np.full((4, 2, 2, 3), color, "uint8") for color in ([0, 9, 0], [9, 0, 0]))
    evidence = Evidence(
        inputs=red,
        translated=np.concatenate([green[:3], red[:1]]),
        real=green,
        network=toy_network,
        domain="green",
    )
    first, fifth = hit_rate_measures(evidence)
    assert (first.value, first.real_score, first.copy_score, first.n) == (0.75, 1, 0, (4, 4, 4))
    assert first.low < 0.75 < first.high < 1
    assert fifth.value == 1  # of three classes


def test_real_zebras_and_horses(efficientnet, shared_data):
    with zipfile.ZipFile(shared_data / "data" / "horse2zebra.zip") as archive:
        pictures = {
            domain: [
                np.asarray(Image.open(archive.open(name)).convert("RGB"))
                for name in sorted(archive.namelist())
                if f"{domain}/" in name and name.endswith("jpg")
            ][::12]
            for domain in ("testA", "testB")
        }
    zebras = hits(efficientnet.probabilities(pictures["testB"]), classes_of("zebra"))
    horses = hits(efficientnet.probabilities(pictures["testA"]), classes_of("zebra"))
    assert zebras.mean() > 0.8
    assert not horses.any()
