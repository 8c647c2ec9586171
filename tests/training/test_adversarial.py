import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.training.adversarial import AdversarialTrainer
from cyclegan_keras.training.cut import CUT
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.pix2pix import Pix2Pix


def make_trainer(gan_mode="lsgan", **options):
    def network(name):
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Dense(4)(inputs), name=name)

    networks = {n: network(n) for n in ("generator_g", "helper", "discriminator_y")}
    return AdversarialTrainer(
        networks,
        {"x_to_y": "generator_g"},
        {"likeness": 2.0, "order": 0.5},
        gan_mode=gan_mode,
        **options,
    )


def test_all_but_discriminators_learn_together():
    trainer = make_trainer()
    assert len(trainer.generator_variables) == 4  # two kernels and two biases
    assert len(trainer.discriminator_variables) == 2
    judges = {id(v) for v in trainer.networks["discriminator_y"].trainable_variables}
    assert {id(v) for v in trainer.discriminator_variables} == judges


def test_terms_are_weighed_and_recorded_with_the_discriminators():
    trainer = make_trainer()
    assert float(trainer.generator_loss({"likeness": 3.0, "order": 4.0}).value) == 8.0
    assert list(trainer.means) == ["likeness", "order", "d_y", "generator_loss"]
    assert trainer.record({"order": 4.0}).keys() == {"order"}


def test_terms_of_pairs_count_as_often_as_there_are_pairs():
    trainer = make_trainer()
    trainer.means["paired_y"] = keras.metrics.Mean()
    for value, paired in ((6.0, [1.0, 1.0]), (0.0, [0.0, 0.0]), (3.0, [0.0, 1.0])):
        logs = trainer.record({"paired_y": value, "order": value}, np.array(paired, "float32"))
    np.testing.assert_allclose(logs["paired_y"], (2 * 6 + 3) / 3)
    np.testing.assert_allclose(logs["order"], 3.0)


def test_the_penalty_belongs_to_wgangp_and_to_training():
    real, fake = np.ones((2, 4), "float32"), -np.ones((2, 4), "float32")
    trainer = make_trainer(gan_mode="wgangp", lambda_penalty=5.0)
    judge = trainer.networks["discriminator_y"]
    plain = trainer.discriminator_loss(judge, real, fake, training=False)
    np.testing.assert_allclose(plain, (judge(fake) - judge(real)).numpy().mean() / 2, rtol=1e-5)
    assert make_trainer(gan_mode="hinge", lambda_penalty=5.0).lambda_penalty == 0


@pytest.mark.parametrize(
    ("method", "expected"),
    [(CycleGAN, "real fake"), (Pix2Pix, "fake real"), (CUT, "fake real")],
)
def test_a_discriminator_judges_in_the_order_of_the_reference(method, expected):
    judged = []

    def judge(images, training):
        judged.append("real" if images[0, 0] > 0 else "fake")
        return images

    trainer = make_trainer()
    trainer.judges_real_first = method.judges_real_first
    pictures = tf.ones((2, 4))
    trainer.discriminator_loss(judge, pictures, -pictures)
    assert " ".join(judged) == expected


@pytest.mark.usefixtures("_float64")
def test_averages_are_exact_in_float64():
    trainer = make_trainer(ema_decay=0.3)
    trainer.finished_steps.assign(99)  # the warming up is over
    for variable in trainer.averages["generator_g"].weights:
        variable.assign(tf.zeros_like(variable))
    for variable in trainer.networks["generator_g"].weights:
        variable.assign(tf.ones_like(variable))
    trainer.finish_step()
    for variable in trainer.averages["generator_g"].weights:
        np.testing.assert_allclose(variable, 0.7, rtol=1e-15)


def test_an_unknown_game_names_the_known_ones():
    with pytest.raises(ValueError, match=r"lsgan.*Received: gan_mode='bce'"):
        make_trainer(gan_mode="bce")
