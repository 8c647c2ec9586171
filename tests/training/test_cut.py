import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.cli import presets
from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.losses import patch_nce
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.training.cut import CUT, mirrored
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import CUTOptions, OptimizerOptions

SHAPE = (16, 16, 3)
TINY = NetworkOptions(
    generator="resnet_3blocks",
    discriminator="pixel",
    ngf=2,
    ndf=2,
    antialias=True,
    antialias_up=True,
)


def make_trainer(method="cut", networks=TINY, **typed):
    objective = {"n_patches": 8, "nce_units": 4}
    for name in ("lambda_nce", "nce_identity", "flip_equivariance"):
        if name in presets.METHOD_DEFAULTS[method]:
            objective[name] = presets.METHOD_DEFAULTS[method][name]
    objective.update(typed)
    return CUT.from_options(
        CUTOptions(**objective),
        networks,
        lambda: adam(OptimizerOptions(), steps_per_epoch=10),
        shapes={"x": SHAPE, "y": SHAPE},
    )


def batch(seed=0, count=1):
    random = np.random.default_rng(seed)
    return {
        name: tf.constant(random.uniform(-1, 1, (count, *SHAPE)).astype("float32")) for name in "xy"
    }


def contrast(trainer, picture, fake, positions):
    """The contrastive loss of one domain, layer after layer."""
    total = 0.0
    maps = zip(trainer.encoder(picture), trainer.encoder(fake), strict=True)
    for number, (key, query) in enumerate(maps):
        sphere = []
        for each in (query, key):
            flat = np.reshape(each, (len(each), -1, each.shape[-1]))[:, positions[number]]
            hidden = trainer.patch_mlp.get_layer(f"map_{number}_hidden")(flat)
            units = np.asarray(trainer.patch_mlp.get_layer(f"map_{number}_units")(hidden))
            sphere.append(units / (np.linalg.norm(units, axis=-1, keepdims=True) + 1e-7))
        total += float(patch_nce(*sphere)) / len(positions)
    return total


def fixed_positions(trainer, monkeypatch):
    """Takes every place of every map, so that formulas can be written down."""
    positions = [np.arange(each.shape[1] * each.shape[2]) for each in trainer.encoder(batch()["x"])]
    monkeypatch.setattr(trainer, "draw_positions", lambda maps: positions)
    return positions


def test_terms_are_the_papers_formulas(monkeypatch):
    trainer, data = make_trainer(), batch(count=2)
    positions = fixed_positions(trainer, monkeypatch)
    logs = trainer.test_step(data)
    fake_y, same_y = trainer.generator_g(data["x"]), trainer.generator_g(data["y"])
    judged = [np.asarray(trainer.discriminator_y(y)) for y in (data["y"], fake_y)]
    expected = {
        "g_adversarial": ((judged[1] - 1) ** 2).mean(),
        "nce_x": contrast(trainer, data["x"], fake_y, positions),
        "nce_y": contrast(trainer, data["y"], same_y, positions),
        "d_y": (((judged[0] - 1) ** 2).mean() + (judged[1] ** 2).mean()) / 2,
    }
    total = expected["g_adversarial"] + 0.5 * (expected["nce_x"] + expected["nce_y"])
    assert logs.keys() == {*expected, "generator_loss"}
    for name, value in {**expected, "generator_loss": total}.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-4, err_msg=name)


def test_the_identity_trains_g_on_y():
    """Without it nothing that G makes of y would matter."""
    gradients = {}
    for identity in (True, False):
        trainer, data = make_trainer(nce_identity=identity), batch()
        pictures = tf.concat([data["x"], data["y"]], 0) if identity else data["x"]
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            fakes = trainer.generator_g(pictures)
            terms = trainer.nce_terms(trainer.encoder(pictures), fakes, None)
            total = trainer.generator_loss(terms).value
        gradients[identity] = tape.gradient(total, pictures)
    assert gradients[True].shape[0] == 2
    assert float(tf.reduce_max(tf.abs(gradients[True][1]))) > 0
    assert gradients[False].shape[0] == 1
    assert trainer.weights_of_terms == {"g_adversarial": 1.0, "nce_x": 1.0}
    assert "nce_y" not in trainer.means


def test_fastcut_weighs_the_input_tenfold_without_identity():
    trainer = make_trainer("fastcut")
    assert trainer.weights_of_terms == {"g_adversarial": 1.0, "nce_x": 10.0}
    assert trainer.flip_equivariance
    assert not trainer.nce_identity


@pytest.mark.slow
@pytest.mark.parametrize("mirror", [False, True])
def test_fastcut_compares_the_mirrored_translation_mirrored_back(mirror, monkeypatch):
    trainer, data = make_trainer("fastcut"), batch()
    positions = fixed_positions(trainer, monkeypatch)
    monkeypatch.setattr(trainer, "draw_mirror", lambda: tf.constant(mirror))
    translated = []
    translate = trainer.generator_g.call

    def record(pictures, **kwargs):
        translated.append(np.asarray(pictures))
        return translate(pictures, **kwargs)

    monkeypatch.setattr(trainer.generator_g, "call", record)
    keys = trainer.encoder(data["x"])
    fake = trainer.generator_g(mirrored(data["x"], tf.constant(mirror)))
    for optimizer in trainer.optimizers.values():
        monkeypatch.setattr(optimizer, "apply", lambda *_: None)  # networks stay as they are
    logs = trainer.train_step(data)
    expected_input = data["x"][:, :, ::-1] if mirror else data["x"]
    np.testing.assert_array_equal(translated[-1], expected_input)
    queries = [e[:, :, ::-1] if mirror else e for e in map(np.asarray, trainer.encoder(fake))]
    spheres = zip(
        trainer.patches(queries, positions), trainer.patches(keys, positions), strict=True
    )
    expected = np.mean([patch_nce(query, key) for query, key in spheres])
    np.testing.assert_allclose(logs["nce_x"], expected, rtol=1e-5)


def test_about_half_of_the_batches_are_mirrored_and_cut_mirrors_none():
    trainer = make_trainer("fastcut")
    drawn = [bool(trainer.draw_mirror()) for _ in range(200)]
    assert 60 < sum(drawn) < 140
    assert make_trainer().draw_mirror() is None


def test_places_are_drawn_anew_without_repetition_and_are_the_same_for_both():
    trainer = make_trainer()
    maps = trainer.encoder(batch()["x"])
    first, second = ([np.asarray(p) for p in trainer.draw_positions(maps)] for _ in range(2))
    for number, positions in enumerate(first):
        count = maps[number].shape[1] * maps[number].shape[2]
        assert len(set(positions)) == len(positions) == min(8, count)
        assert 0 <= positions.min() <= positions.max() < count
    assert any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    seen = []
    trainer.patch_mlp = seen.append
    numbered = [np.arange(np.prod(m.shape), dtype="float32").reshape(m.shape) for m in maps]
    trainer.patches([each // each.shape[-1] for each in numbered], first)  # positions, row by row
    for chosen, positions in zip(seen[0], first, strict=True):
        np.testing.assert_array_equal(chosen[0, :, 0], positions)


def test_each_step_moves_its_own_networks_alone():
    trainer, data = make_trainer(), batch()
    moved, minimize = {}, trainer.minimize

    def record(objectives, *, optimizer, **arguments):
        before = {n: w.get_weights() for n, w in trainer.networks.items()}
        result = minimize(objectives, optimizer=optimizer, **arguments)
        moved[optimizer] = {
            name
            for name, network in trainer.networks.items()
            if any(map(np.any, map(np.subtract, before[name], network.get_weights())))
        }
        return result

    trainer.minimize = record
    trainer.train_step(data)
    assert list(moved.items()) == [
        ("discriminator_optimizer", {"discriminator_y"}),
        ("generator_optimizer", {"generator_g", "patch_mlp"}),
    ]


def test_layers_are_as_many_as_the_generator_has_unless_typed():
    assert len(make_trainer().encoder.outputs) == 4  # 0, 4, 8, 12 of three blocks
    assert len(make_trainer(nce_layers="0,13").encoder.outputs) == 2
    with pytest.raises(TrainingError, match=r"--nce_layers=0,16 with --generator=resnet_3blocks"):
        make_trainer(nce_layers="0,16")


def test_a_single_layer_trains_too():
    trainer, data = make_trainer(nce_layers="4"), batch(count=2)
    logs = trainer.train_step(data)
    assert all(np.isfinite(float(value)) for value in logs.values())
    (sphere,) = trainer.patches(trainer.encode(data["x"]), [np.arange(5)])
    assert sphere.shape == (2, 5, 4)


def test_only_resnet_generators_have_numbered_maps():
    networks = dataclasses.replace(TINY, generator="unet_64", antialias_up=False)
    with pytest.raises(TrainingError, match=r"--generator=unet_64: A ResNet generator is needed"):
        make_trainer(networks=networks)


@pytest.mark.parametrize("nce_layers", ["4,0", "0,0", "0;4", "", "x"])
def test_layers_that_are_no_ascending_numbers(nce_layers):
    if not nce_layers:
        assert CUTOptions(nce_layers=nce_layers)  # as if not given
        return
    with pytest.raises(ValueError, match="expected ascending numbers with commas"):
        CUTOptions(nce_layers=nce_layers)


def test_weights_start_as_the_references_do():
    trainer = make_trainer(networks=dataclasses.replace(TINY, ngf=16, init_type="xavier"))
    kernel = trainer.generator_g.get_layer("down_2_conv").get_weights()[0]
    fan_in, fan_out = 9 * kernel.shape[2], 9 * kernel.shape[3]
    np.testing.assert_allclose(kernel.std(), 0.02 * np.sqrt(2 / (fan_in + fan_out)), rtol=0.03)


@pytest.mark.release
def test_training_keeps_patches_in_their_place():
    """On one picture each, patches of the translation learn to tell where they come from."""
    keras.utils.set_random_seed(1)
    trainer, data = make_trainer(n_patches=64), batch(1)
    step = tf.function(trainer.train_step)
    losses = []
    for _ in range(60):
        trainer.reset_metrics()
        losses.append(float(step(data)["nce_x"]))
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
