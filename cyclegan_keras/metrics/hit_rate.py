"""The share of translations that a classifier takes for the domain they should be in."""

from collections.abc import Collection

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import wilson_interval

# Classes of ILSVRC 2012 (places in the sorted list of WordNet numbers) by the word for a domain.
# None: no class means it, and no hit rate can be measured.
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
        **{281: "tabby", 282: "tiger cat", 283: "Persian cat"},
        **{284: "Siamese cat", 285: "Egyptian cat"},
    },
    "dog": dict.fromkeys(range(151, 269), "a breed of dog"),
    "church": {497: "church"},
    "volcano": {980: "volcano"},
    **dict.fromkeys(("pony", "summer", "winter", "photo", "painting", "map", "facade", "face")),
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
            f"No class of ILSVRC 2012 is known to mean {domain!r}, so hits cannot be counted. "
            f"Known are: {known}."
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
    return np.isin(likeliest, list(classes)).any(axis=1)


def hit_rate_measures(evidence: Evidence) -> list[Measure]:
    """Returns the shares of translations whose likeliest class, or one of five, is the domain's."""
    network, domain, *_ = evidence.need("The hit rate", "network", "domain", "translated", "real")
    classes = classes_of(domain)
    words = " or ".join(map(str, classes)) if len(classes) < 9 else f"{len(classes)} {domain} ones"
    roles = ("translated", "real", "inputs")
    seen = [network.classify(evidence.features(role)) for role in roles]
    n = tuple(map(len, seen))
    measures = []
    for top in (1, 5):
        count, real, copied = (int(hits(each, classes, top).sum()) for each in seen)
        low, high = wilson_interval(count, n[0])
        measures.append(
            Measure(
                name=f"{domain} hit rate, top {top}",
                value=count / n[0],
                low=low,
                high=high,
                floor=real / n[1],
                ceiling=copied / n[2],
                better="higher",
                n=n,
                features=network.name,
                protocol=f"share of pictures whose top {top} of the classes of ILSVRC 2012 hold "
                f"{words}; n of translated, real (floor) and inputs (ceiling); "
                f"{network.protocol}; Wilson's interval",
            )
        )
    return measures
