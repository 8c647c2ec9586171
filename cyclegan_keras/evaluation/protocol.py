"""One protocol for every evaluation: translate all pictures, then measure."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float, to_uint8
from cyclegan_keras.images.values import EIGHT_BIT, Values
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.segmentation import Segmentation
from cyclegan_keras.metrics.table import DEFAULT_METRICS, METRICS

BATCH = 8
ORDINARY = Form()  # RGB with levels from 0 to 255

Translate = Callable[[np.ndarray], np.ndarray]  # float32 (n, h, w, c) in [-1, 1] to the same


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """Real pictures for one direction: arrays of the form of their domain, sizes may differ.

    Attributes:
        inputs: held-out pictures of the domain to translate.
        real: held-out pictures of the other domain.
        other_real: further pictures of the other domain; their distance to `real` is what real
            pictures get. Without any, one half of `real` is compared with the other.
        truth: the true counterpart of every input, where there is one.
        names: of the inputs.
        source_form: of the inputs.
        target_form: of the other pictures.
    """

    inputs: Sequence[np.ndarray]
    real: Sequence[np.ndarray]
    other_real: Sequence[np.ndarray] = ()
    truth: Sequence[np.ndarray] | None = None
    names: Sequence[str] = ()
    source_form: Form = ORDINARY
    target_form: Form = ORDINARY


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was found in one direction.

    Attributes:
        source: name of the domain that was translated.
        target: name of the domain it was translated to.
        measures: what could be measured.
        left_out: name in `METRICS` -> why it could not be measured, a sentence.
        translated: the translations, as arrays of the target's form.
        cycled: the translations translated back, as arrays of the source's form, or None.
        target_values: what the numbers in translations mean.
    """

    source: str
    target: str
    measures: Sequence[Measure]
    left_out: Mapping[str, str]
    translated: Sequence[np.ndarray]
    cycled: Sequence[np.ndarray] | None
    target_values: Values = EIGHT_BIT

    @property
    def words(self) -> str:
        """The direction in words."""
        return f"{self.source} to {self.target}"

    def not_measured(self) -> list[str]:
        """Returns a sentence for each metric that could not be measured.

        Example:
            >>> evaluation = Evaluation(
            ...     source="horse",
            ...     target="zebra",
            ...     measures=[],
            ...     left_out={"cycle": "The model has no way back (F)."},
            ...     translated=[],
            ...     cycled=None,
            ... )
            >>> evaluation.not_measured()
            ['cycle error: not measured, because the model has no way back (F).']
        """
        sentences = []
        for name, reason in self.left_out.items():
            first_word = reason.split()[0]
            is_acronym = len(first_word) > 1 and first_word.isupper()
            clause = reason if is_acronym else reason[0].lower() + reason[1:]
            sentences.append(f"{METRICS[name].title}: not measured, because {clause}")
        return sentences

    def to_dict(self) -> dict[str, Any]:
        """Returns what evaluation.json holds, which has no pictures."""
        return {
            "direction": self.words,
            "measures": [measure.to_dict() for measure in self.measures],
            "left_out": dict(self.left_out),
        }


def evaluate(
    translate: Translate,
    back: Translate | None,
    pictures: Pictures,
    *,
    source: str,
    target: str,
    network: FeatureNetwork | None,
    metrics: Sequence[str] = DEFAULT_METRICS,
    segmentation: Segmentation | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measures one direction.

    Args:
        translate: the model.
        back: translates back, for measures of the cycle; None for models that cannot.
        pictures: real ones.
        source: name of the domain that is translated.
        target: name of the other domain.
        network: computes features of pictures; None leaves out what needs it.
        metrics: some of `METRICS`.
        segmentation: what label maps mean, for the metric of that name.
        seed: of all that is drawn at random.
    """
    translated, cycled = translate_all(
        translate,
        back,
        pictures.inputs,
        title=f"{source} to {target}",
        source_form=pictures.source_form,
        target_form=pictures.target_form,
    )
    evidence = Evidence(
        inputs=pictures.inputs,
        translated=translated,
        real=pictures.real,
        other_real=pictures.other_real or None,
        cycled=cycled,
        truth=pictures.truth,
        network=network,
        domain=target,
        translate=translate,
        back=back,
        seed=seed,
        source_values=pictures.source_form.values,
        target_values=pictures.target_form.values,
        segmentation=segmentation,
    )
    measures, left_out = [], {}
    for name in metrics:
        try:
            measures += METRICS[name].measure(evidence)
        except MetricError as error:
            left_out[name] = str(error)
    return Evaluation(
        source=source,
        target=target,
        measures=measures,
        left_out=left_out,
        translated=translated,
        cycled=cycled,
        target_values=pictures.target_form.values,
    )


def translate_all(
    translate: Translate,
    back: Translate | None,
    pictures: Sequence[np.ndarray],
    *,
    title: str,
    source_form: Form = ORDINARY,
    target_form: Form = ORDINARY,
) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """Returns G(x) of every picture, and F(G(x)) or None, in the sizes of the pictures.

    Args:
        translate: G.
        back: F, or None.
        pictures: x, as arrays of `source_form`.
        title: of the progress bar.
        source_form: of x and of F(G(x)).
        target_form: of G(x).

    Returns:
        Arrays of those forms: uint8, or float32 clipped to [-1, 1] where values are no levels from
        0 to 255.
    """
    translated: list[np.ndarray] = []
    cycled: list[np.ndarray] = []
    with tqdm(total=len(pictures), desc=title, unit="img", leave=False, disable=None) as bar:
        for batch in batches_by_shape(pictures, shape=np.shape, limit=lambda picture: BATCH):
            fakes = np.asarray(translate(to_float(np.stack(batch))), np.float32)
            translated.extend(_in_form(fakes, target_form))
            if back is not None:
                cycled.extend(_in_form(np.asarray(back(fakes), np.float32), source_form))
            bar.update(len(batch))
    return translated, cycled if back is not None else None


def _in_form(images: np.ndarray, form: Form) -> np.ndarray:
    """Returns float32 pictures of a network as arrays of a domain."""
    return to_uint8(images) if form.values.is_eight_bit else np.clip(images, -1, 1)
