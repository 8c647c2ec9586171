"""The share of translations that a classifier takes for the domain they should be in."""

from collections.abc import Collection

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import wilson_interval

# Classes of ILSVRC 2012 (indices in the sorted list of WordNet numbers) by the word for a domain.
# None: no class shows it, so that no hit rate can be measured.
CLASSES = {
    "zebra": {340: "zebra"},
    "horse": {339: "sorrel"},
    "apple": {948: "Granny Smith"},
    "orange": {950: "orange"},
    "lemon": {951: "lemon"},
    "banana": {954: "banana"},
    "strawberry": {949: "strawberry"},
    "lion": {291: "lion"},
    "tiger": {292: "tiger"},
    "leopard": {288: "leopard"},
    "panda": {388: "giant panda"},
    "polar bear": {296: "ice bear"},
    "elephant": {385: "Indian elephant", 386: "African elephant"},
    "cat": {
        281: "tabby",
        282: "tiger cat",
        283: "Persian cat",
        284: "Siamese cat",
        285: "Egyptian cat",
    },
    "dog": dict.fromkeys(range(151, 269), "a breed of dog"),
    "church": {497: "church"},
    "volcano": {980: "volcano"},
    "pony": None,
    "summer": None,
    "winter": None,
    "photo": None,
    "painting": None,
    "map": None,
    "facade": None,
    "face": None,
}


def classes_of(domain: str) -> tuple[int, ...]:
    """Returns the classes of ILSVRC 2012 that a word for a domain means.

    Raises:
        MetricError: none fits, or the word is not known.
    """
    word = domain.strip().lower().replace("_", " ")
    found = CLASSES.get(word) or CLASSES.get(word.removesuffix("s"))
    if not found:
        known = ", ".join(word for word, classes in CLASSES.items() if classes)
        raise MetricError(
            f"No class of ImageNet (ILSVRC 2012) shows {domain!r}. Domains with a class: {known}."
        )
    return tuple(found)


def hits(probabilities: np.ndarray, classes: Collection[int], top: int = 1) -> np.ndarray:
    """Returns for each picture whether one of `classes` is among its `top` likeliest; bool (n,).

    Args:
        probabilities: or logits, (n, number of classes).
        classes: their indices.
        top: how many of the likeliest count.
    """
    likeliest = np.argsort(-np.asarray(probabilities), axis=1, kind="stable")[:, :top]
    return np.any(np.isin(likeliest, list(classes)), axis=1)


def hit_rate_measures(evidence: Evidence) -> list[Measure]:
    """Returns the shares of translations with a class of the domain among the top 1 and top 5."""
    network, domain, *_ = evidence.need("network", "domain", "translated", "real")
    classes = classes_of(domain)
    if len(classes) < 9:
        words = " or ".join(str(number) for number in classes)
    else:
        words = f"one of {len(classes)} of a {domain}"
    translated = network.classify(evidence.features("translated"))
    real = network.classify(evidence.features("real"))
    inputs = network.classify(evidence.features("inputs"))
    n_translated, n_real, n_inputs = len(translated), len(real), len(inputs)
    measures = []
    for top in (1, 5):
        hits_translated = int(hits(translated, classes, top).sum())
        hits_real = int(hits(real, classes, top).sum())
        hits_copied = int(hits(inputs, classes, top).sum())
        low, high = wilson_interval(hits_translated, n_translated)
        measures.append(
            Measure(
                name=f"{domain} hit rate, top {top}",
                value=hits_translated / n_translated,
                low=low,
                high=high,
                real_score=hits_real / n_real,
                copy_score=hits_copied / n_inputs,
                better="higher",
                n=(n_translated, n_real, n_inputs),
                features=network.name,
                protocol=f"share of pictures whose top {top} of the classes of ILSVRC 2012 hold "
                f"{words}; n counts translated, real and input pictures; "
                f"{evidence.features_protocol}; Wilson's interval",
            )
        )
    return measures
