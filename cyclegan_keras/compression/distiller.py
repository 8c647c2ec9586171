"""Distillation: small generators learn to answer as large ones do."""

from collections.abc import Callable, Mapping

import keras

from cyclegan_keras.compression.rates import ADVERSARIAL_SHARE, DistillationRate
from cyclegan_keras.losses import color_offset, l1
from cyclegan_keras.training.adversarial import (
    SEEN_BY_DISCRIMINATORS,
    SEEN_BY_GENERATORS,
    AdversarialTrainer,
)
from cyclegan_keras.training.gradient_steps import Loss

DIRECTIONS = {"generator_g": "x_to_y", "generator_f": "y_to_x"}


class Distiller(AdversarialTrainer):
    """Trains students, one a direction, to give the answers of their teachers.

    A batch is {"x", "teacher_x_to_y"} and/or {"y", "teacher_y_to_x"}, pictures in [-1, 1],
    (batch, height, width, channels). The student G of x_to_y minimizes, T being its teacher,

        lambda_l1 |T(x) - G(x)| + lambda_perceptual d(T(x), G(x))
        + lambda_offset |mean of T(x) - mean of G(x)|

    where d is the perceptual distance and the means are those of each picture's colors; the student
    F of y_to_x likewise. Terms are called `l1_g`, `perceptual_g`, `offset_g`, `l1_f` and so on, and
    their weighted sum `generator_loss`.

    With discriminators the students also have to convince them from the step `adversarial_from` on,
    and these learn on beside them from real pictures, so that batches need both "x" and "y". This
    adds `lambda_gan` times the adversarial loss, `g_adversarial` or `f_adversarial`. The two parts
    are computed by different graphs, so that one `fit` must not go beyond that step: see
    `next_stop`.

    Args:
        students: "generator_g" and/or "generator_f" -> the network that learns.
        distance: (target, prediction) -> scalar, such as `PerceptualLoss`; None: there is no such
            term.
        lambda_l1: weight of the mean absolute difference.
        lambda_perceptual: weight of `distance`.
        lambda_offset: weight of the difference of mean colors. With 0 it is still recorded.
        discriminators: "discriminator_y" for a student "generator_g", "discriminator_x" for
            "generator_f"; None: there is no adversarial part.
        adversarial_from: the number of finished steps after which discriminators take part.
        lambda_gan: weight of the adversarial loss.
        gan_mode: a key of `losses.ADVERSARIAL`: the one that the discriminators learned with.
        conditional: whether discriminators see a picture beside its translation, as pix2pix's do.
        diff_augment: what is changed at random in all that discriminators see, as in the training
            that they come from; so are the next two.
        d_regularization: `"r1"` for a penalty of the discriminators' slope at real pictures.
        lambda_r1: weight of that penalty.
        ema_decay: decay of the moving average of the students, 0 for none.
        seed: of the gradient penalty of `gan_mode="wgangp"` and of what `diff_augment` changes.
        name: of the model.

    Raises:
        ValueError: a student or a discriminator has another role, or a part of what discriminators
            need is missing.

    Reference:
        Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; for generators, Jin et
        al., "Teachers Do More Than Teach: Compressing Image-to-Image Models", 2021.
    """

    def __init__(
        self,
        students: Mapping[str, keras.Model],
        *,
        distance: Callable | None = None,
        lambda_l1: float = 1.0,
        lambda_perceptual: float = 3.0,
        lambda_offset: float = 0.0,
        discriminators: Mapping[str, keras.Model] | None = None,
        adversarial_from: int | None = None,
        lambda_gan: float = 0.1,
        gan_mode: str = "lsgan",
        conditional: bool = False,
        diff_augment: str = "none",
        d_regularization: str = "none",
        lambda_r1: float = 0.1,
        ema_decay: float = 0.0,
        seed: int = 0,
        name: str = "distiller",
    ):
        discriminators = dict(discriminators or {})
        _check_roles(students, discriminators, adversarial_from)
        weights = {}
        for role in students:
            letter = role[-1]
            weights[f"l1_{letter}"] = lambda_l1
            if distance is not None and lambda_perceptual:
                weights[f"perceptual_{letter}"] = lambda_perceptual
            weights[f"offset_{letter}"] = lambda_offset
            if discriminators:
                weights[f"{letter}_adversarial"] = lambda_gan
        super().__init__(
            networks={**students, **discriminators},
            translators={DIRECTIONS[role]: role for role in students},
            weights_of_terms=weights,
            gan_mode=gan_mode,
            diff_augment=diff_augment,
            d_regularization=d_regularization,
            lambda_r1=lambda_r1,
            ema_decay=ema_decay,
            seed=seed,
            name=name,
        )
        self.distance = distance
        self.conditional = conditional
        self.adversarial_from = adversarial_from if discriminators else None
        self.is_adversarial = False

    def compile_for(self, *, steps: int, learning_rate: float = 5e-4, **compile_options) -> None:
        """Readies the distiller for `fit`.

        Args:
            steps: of the whole distillation, over which the learning rate falls; see
                `DistillationRate`.
            learning_rate: of Adam in the first step.
            **compile_options: as in `Trainer.compile_optimizers`.
        """
        self.build({})
        student_rate = DistillationRate(learning_rate, steps, self.adversarial_from)
        student_optimizer = keras.optimizers.Adam(student_rate, beta_1=0.9)
        optimizers = {"student_optimizer": (student_optimizer, self.generator_variables)}
        if self.adversarial_from is not None:
            discriminator_optimizer = keras.optimizers.Adam(
                learning_rate * ADVERSARIAL_SHARE, beta_1=0.5, epsilon=1e-8
            )
            optimizers["discriminator_optimizer"] = (
                discriminator_optimizer,
                self.discriminator_variables,
            )
        self.compile_optimizers(optimizers, **compile_options)

    def next_stop(self, last_step: int) -> int:
        """Returns the step to which the next `fit` may go.

        Args:
            last_step: at which the distillation ends.
        """
        if self.adversarial_from is None or self.step >= self.adversarial_from:
            return last_step
        return min(self.adversarial_from, last_step)

    def fit(self, x, **arguments):
        """Trains on batches; see `Trainer`.

        Args:
            x: a `tf.data.Dataset` of the batches of the next steps, up to `next_stop` at most.
            **arguments: as of Keras' own `fit`.

        Raises:
            ValueError: the batches go beyond the step at which discriminators begin to take part.
        """
        begin = self.adversarial_from
        if begin is not None:
            cardinality = getattr(x, "cardinality", None)
            end = self.step + (int(cardinality()) if cardinality else 0)
            if self.step < begin < end:
                raise ValueError(
                    f"Discriminators take part from step {begin} on: expected batches up to "
                    f"`next_stop`. Received: batches of the steps {self.step} to {end}."
                )
            is_adversarial = self.step >= begin
            if is_adversarial != self.is_adversarial:
                self.is_adversarial = is_adversarial
                self.train_function = self.test_function = None
        return super().fit(x, **arguments)

    def train_step(self, data: dict) -> dict:
        """Trains on one batch and returns the means of all terms so far."""
        # 1. The students take one step toward the answers of their teachers.
        students = self.minimize(
            self.student_objectives,
            batch=self.with_draws(data, SEEN_BY_GENERATORS) if self.is_adversarial else data,
            variables=self.generator_variables,
            optimizer="student_optimizer",
        )
        terms = {**students.terms, "generator_loss": students.value}

        # 2. In the adversarial part, the discriminators learn to tell these translations.
        if self.is_adversarial:
            judged = self.with_draws(data, SEEN_BY_DISCRIMINATORS)
            discriminators = self.minimize(
                self.discriminator_objectives,
                batch={**judged, **students.pictures},
                variables=self.discriminator_variables,
                optimizer="discriminator_optimizer",
            )
            terms.update(discriminators.terms)

        # 3. The moving averages follow the students, and the terms are recorded.
        self.finish_step()
        return self.record(terms)

    def test_step(self, data: dict) -> dict:
        """Records the terms of the students without an update."""
        terms = {}
        for objective in self.student_objectives:
            terms.update(objective(data, training=False).terms)
        loss = self.generator_loss(terms)
        return self.record({**terms, "generator_loss": loss.value})

    @property
    def student_objectives(self) -> list[Callable]:
        """The functions batch -> `Loss` whose sum the students minimize."""
        objectives = {"generator_g": self.loss_of_g, "generator_f": self.loss_of_f}
        return [objective for role, objective in objectives.items() if role in self.networks]

    @property
    def discriminator_objectives(self) -> list[Callable]:
        """The functions batch -> `Loss` whose sum the discriminators minimize."""
        objectives = {
            "discriminator_x": self.loss_of_discriminator_x,
            "discriminator_y": self.loss_of_discriminator_y,
        }
        return [objective for role, objective in objectives.items() if role in self.networks]

    def loss_of_g(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of G on x; in the adversarial part its picture "fake_y" is G(x)."""
        fake_y = self.networks["generator_g"](batch["x"], training=training)
        terms = self._likeness(batch["teacher_x_to_y"], fake_y, "g")
        if not self.is_adversarial:
            return self.generator_loss(terms)
        seen = self.see(batch, "g_fake_y", fake_y, self.condition(batch, "x"))
        logits = self.networks["discriminator_y"](seen, training=training)
        terms["g_adversarial"] = self.adversarial.generator(logits)
        return self.generator_loss(terms, {"fake_y": fake_y})

    def loss_of_f(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of F on y; in the adversarial part its picture "fake_x" is F(y)."""
        fake_x = self.networks["generator_f"](batch["y"], training=training)
        terms = self._likeness(batch["teacher_y_to_x"], fake_x, "f")
        if not self.is_adversarial:
            return self.generator_loss(terms)
        seen = self.see(batch, "g_fake_x", fake_x, self.condition(batch, "y"))
        logits = self.networks["discriminator_x"](seen, training=training)
        terms["f_adversarial"] = self.adversarial.generator(logits)
        return self.generator_loss(terms, {"fake_x": fake_x})

    def loss_of_discriminator_x(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of D_X on the real "x" and the "fake_x" of a batch."""
        return self.judgment_loss(
            "x",
            self.networks["discriminator_x"],
            batch,
            condition=self.condition(batch, "y"),
            training=training,
        )

    def loss_of_discriminator_y(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of D_Y on the real "y" and the "fake_y" of a batch."""
        return self.judgment_loss(
            "y",
            self.networks["discriminator_y"],
            batch,
            condition=self.condition(batch, "x"),
            training=training,
        )

    def _likeness(self, answer, translation, letter: str) -> dict:
        """Returns the terms that compare a translation with the teacher's answer."""
        terms = {f"l1_{letter}": l1(answer, translation)}
        if f"perceptual_{letter}" in self.weights_of_terms:
            terms[f"perceptual_{letter}"] = self.distance(answer, translation)
        terms[f"offset_{letter}"] = color_offset(answer, translation)
        return terms

    def condition(self, batch: dict, source: str):
        """Returns what discriminators see beside a translation of `source`; None for nothing."""
        return batch[source] if self.conditional else None


def _check_roles(
    students: Mapping[str, keras.Model],
    discriminators: Mapping[str, keras.Model],
    adversarial_from: int | None,
) -> None:
    if not students or not set(students) <= set(DIRECTIONS):
        raise ValueError(
            f"`students` must be for some of {list(DIRECTIONS)}. Received: {list(students)}"
        )
    judges = {"generator_g": "discriminator_y", "generator_f": "discriminator_x"}
    expected = {judges[role] for role in students}
    if discriminators and set(discriminators) != expected:
        raise ValueError(
            f"`discriminators` must be {sorted(expected)} for these students. Received: "
            f"{sorted(discriminators)}"
        )
    if discriminators and adversarial_from is None:
        raise ValueError("`adversarial_from` is needed beside `discriminators`. Received: None")
