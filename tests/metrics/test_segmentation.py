import keras
import numpy as np
import pytest
from made_segmentation import color_network, stripes

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.values import Values
from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.class_list import ClassList, LabelClass, palette_list
from cyclegan_keras.metrics.segmentation import (
    Segmentation,
    confusion_of,
    scores_of,
    segmentation_measures,
)
from cyclegan_keras.metrics.segmentation_network import SegmentationNetwork

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")

# Label maps have two colors; photos of the same classes have two others.
ROAD, SKY = (128, 64, 128), (70, 130, 180)
ASPHALT, AIR = (60, 62, 60), (200, 210, 250)
CLASSES = palette_list([ROAD, SKY])


@pytest.fixture(scope="module")
def knowing():
    """The classes of the label maps, and a network that knows what photos show."""
    network = SegmentationNetwork(
        model=color_network([ASPHALT, AIR]), name="colors", input="0..255", outputs=2
    )
    return Segmentation(classes=CLASSES, network=network)


def maps(count=3, shift=0):
    return [stripes(ROAD, SKY, shift=shift) for _ in range(count)]


def photos(count=3, shift=0):
    return [stripes(ASPHALT, AIR, shift=shift) for _ in range(count)]


def by_name(measures):
    return {measure.name: measure for measure in measures}


# ---- the formulas ----


def test_a_small_example_by_hand():
    truth = np.array([[0, 0, 0, 0], [1, 1, 2, 2], [2, -1, -2, -1]])
    predicted = np.array([[0, 0, 0, 1], [1, 1, 0, 1], [2, 2, 0, 1]])
    matrix = confusion_of(truth, predicted, 3)
    assert matrix.tolist() == [[3, 1, 0, 0], [0, 2, 0, 0], [1, 1, 1, 0]]
    scores = scores_of(matrix)
    assert scores.pixel_accuracy == pytest.approx(6 / 9)
    assert scores.class_accuracies == pytest.approx([3 / 4, 1, 1 / 3])
    assert scores.class_accuracy == pytest.approx((3 / 4 + 1 + 1 / 3) / 3)
    assert scores.ious == pytest.approx([3 / 5, 2 / 4, 1 / 3])
    assert scores.mean_iou == pytest.approx((3 / 5 + 2 / 4 + 1 / 3) / 3)


def test_scores_are_those_of_keras():
    random = np.random.default_rng(0)
    truth, predicted = random.integers(-1, 4, (2, 40, 40))
    predicted = np.maximum(predicted, 0)
    mean_iou = keras.metrics.MeanIoU(num_classes=4, ignore_class=-1)
    mean_iou.update_state(truth, predicted)
    scores = scores_of(confusion_of(truth, predicted, 4))
    assert scores.mean_iou == pytest.approx(float(mean_iou.result()), abs=1e-6)
    accuracy = keras.metrics.Accuracy()
    accuracy.update_state(truth[truth >= 0], predicted[truth >= 0])
    assert scores.pixel_accuracy == pytest.approx(float(accuracy.result()), abs=1e-6)


def test_absent_classes_are_in_no_mean_and_ignored_predictions_are_wrong():
    truth, predicted = np.array([0, 0, 0, 1]), np.array([0, 2, -1, 1])
    scores = scores_of(confusion_of(truth, predicted, 3))
    assert scores.pixel_accuracy == 0.5
    assert scores.class_accuracies[:2] == pytest.approx([1 / 3, 1])
    assert np.isnan(scores.class_accuracies[2])
    assert np.isnan(scores.ious[2])
    assert scores.class_accuracy == pytest.approx((1 / 3 + 1) / 2)


# ---- labels -> photo ----


def test_perfect_translations_get_1_and_copies_what_chance_gives(knowing):
    evidence = Evidence(
        inputs=maps(), translated=photos(), truth=photos(), real=photos(), segmentation=knowing
    )
    for measure in segmentation_measures(evidence):
        assert (measure.value, measure.low, measure.high, measure.real_score) == (1, 1, 1, 1)
        assert measure.copy_score < 0.6  # both colors of label maps are nearer to one class
        assert measure.chance == 1  # all pictures are the same
        assert measure.n == (3,)
        assert measure.features == "colors"


def test_shifted_translations_get_a_closed_form(knowing):
    """Stripes of 8 pixels moved by 2: a quarter of each class is taken for the other."""
    evidence = Evidence(inputs=maps(), translated=photos(shift=2), segmentation=knowing)
    found = by_name(segmentation_measures(evidence))
    assert found["Per-pixel accuracy"].value == pytest.approx(0.75)
    assert found["Per-class accuracy"].value == pytest.approx(0.75)
    assert found["Class IoU"].value == pytest.approx(0.75 / 1.25)
    assert found["Class IoU"].by_class == pytest.approx({"#804080": 0.6, "#4682b4": 0.6})
    assert found["Per-pixel accuracy"].by_class is None
    assert np.isnan(found["Class IoU"].real_score)
    assert "no known counterparts" in found["Class IoU"].note


def test_the_interval_is_that_of_other_pictures(knowing):
    """Half of the pictures are right and half are a quarter wrong."""
    translated = photos(10) + photos(10, shift=2)
    evidence = Evidence(inputs=maps(20), translated=translated, segmentation=knowing)
    accuracy = by_name(segmentation_measures(evidence))["Per-pixel accuracy"]
    assert accuracy.value == pytest.approx(0.875)
    spread = 1.96 * 0.125 / np.sqrt(20)
    assert accuracy.low == pytest.approx(0.875 - spread, abs=0.02)
    assert accuracy.high == pytest.approx(0.875 + spread, abs=0.02)


def test_ignored_and_unknown_pixels_do_not_count(knowing, caplog):
    classes = ClassList(
        source="mine.txt",
        entries=(*CLASSES.entries, LabelClass(name="void", color=(0, 0, 0), is_ignored=True)),
    )
    labels = maps()
    for picture in labels:
        picture[:4, 1:7] = 0
        picture[4:6, :] = (255, 255, 0)
    translated = photos()
    for picture in translated:
        picture[:6, 1:7] = AIR  # wrong, had these pixels a class
    segmentation = Segmentation(classes=classes, network=knowing.network)
    measures = segmentation_measures(
        Evidence(inputs=labels, translated=translated, segmentation=segmentation)
    )
    assert [measure.value for measure in measures] == [1, 1, 1]
    sentence = (
        "12.5% of the pixels of label maps have colors that mine.txt does not list, and are "
        "ignored: #ffff00 (12.50%)."
    )
    assert sentence in measures[0].note
    assert sentence in caplog.text


def test_a_network_may_have_outputs_for_what_is_ignored():
    """It counts the classes as they are listed; what it takes for an ignored class is wrong."""
    void = LabelClass(name="void", color=(0, 0, 0), is_ignored=True)
    classes = ClassList(source="x", entries=(CLASSES.entries[0], void, CLASSES.entries[1]))
    network = SegmentationNetwork(
        model=color_network([ASPHALT, (0, 255, 0), AIR]), name="x", input="0..255", outputs=3
    )
    translated = photos()
    for picture in translated:
        picture[:4] = (0, 255, 0)
    segmentation = Segmentation(classes=classes, network=network)
    measures = segmentation_measures(
        Evidence(inputs=maps(), translated=translated, segmentation=segmentation)
    )
    assert [measure.value for measure in measures] == [0.75, 0.75, 0.75]


# ---- photo -> labels ----


def test_label_maps_are_compared_by_the_nearest_color():
    """Translated label maps may have any colors: each is taken for the nearest one."""
    noise = np.random.default_rng(0).integers(-20, 21, (3, 16, 16, 3))
    translated = [
        np.clip(each + change, 0, 255).astype("uint8")
        for each, change in zip(maps(shift=2), noise, strict=True)
    ]
    evidence = Evidence(
        inputs=photos(),
        translated=translated,
        truth=maps(),
        real=maps(),
        segmentation=Segmentation(classes=CLASSES),
    )
    found = by_name(segmentation_measures(evidence))
    assert found["Per-pixel accuracy"].value == pytest.approx(0.75)
    assert found["Class IoU"].value == pytest.approx(0.6)
    assert found["Class IoU"].real_score == 1
    assert found["Class IoU"].features == "pixels"


def test_label_maps_of_other_numbers():
    values = Values(dtype="int32", low=0, high=40)
    classes = ClassList(
        source="ids",
        entries=(LabelClass(name="a", color=(7,)), LabelClass(name="b", color=(33,))),
    )
    truth = [values.to_network(np.array([[[7], [33]], [[7], [0]]]))] * 3
    evidence = Evidence(
        inputs=photos(),
        translated=truth,
        truth=truth,
        target_values=values,
        segmentation=Segmentation(classes=classes),
    )
    measures = segmentation_measures(evidence)
    assert [measure.value for measure in measures] == [1, 1, 1]
    assert np.isnan(measures[0].copy_score)
    assert "25.0% of the pixels of label maps have numbers" in measures[0].note


# ---- what is missing ----


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"segmentation": None}, "give --segmentation_classes"),
        ({"segmentation": Segmentation(classes=CLASSES)}, "give --segmentation_model"),
        ({"inputs": photos()}, "Neither inputs nor targets are label maps of the palette"),
        ({"inputs": photos(), "real": maps()}, "no known counterparts"),
    ],
)
def test_what_is_missing_is_a_sentence(changes, expected, knowing):
    given = {"inputs": maps(), "translated": photos(), "segmentation": knowing, **changes}
    with pytest.raises(MetricError, match=expected):
        segmentation_measures(Evidence(**given))
