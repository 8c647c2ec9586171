import sys

import numpy as np
import pytest

import cyclegan_keras.export
from cyclegan_keras.compression.search import (
    DESCRIPTION_BYTES,
    Targets,
    UntrainedFile,
    choose_shape,
    ladder,
    measure_file,
)
from cyclegan_keras.compression.shapes import Shape, macs, parameters
from cyclegan_keras.export.tflite import VARIANTS, export_tflite
from cyclegan_keras.files.errors import CompressionError, ExportError, OptionError, UserError
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

SIZE = {"height": 32, "width": 32}


@pytest.fixture(scope="module")
def resnet():
    return ResNetGenerator(ngf=16, n_blocks=6)


@pytest.fixture(scope="module")
def unet():
    return UNetGenerator(ngf=12, n_downs=2)


class Measure:
    """Measures in closed form, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, teacher, shape, *, is_timed, **how):
        self.asked.append((shape, is_timed))
        kb = 20 + parameters(teacher, shape) / 1000
        return UntrainedFile(kb, macs(teacher, shape, 32, 32) / 1e6 if is_timed else None)


def by_the_rule(largest, fits):
    """The same as is documented, one shape after the other."""
    widths = ladder(largest)
    chosen = next(shape for shape in widths if fits(shape))
    if largest.blocks is None or chosen.blocks < widths[0].blocks:
        return chosen
    while chosen.blocks < largest.blocks and fits(Shape(chosen.ngf, chosen.blocks + 1)):
        chosen = Shape(chosen.ngf, chosen.blocks + 1)
    return chosen


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("resnet", 0.99),
        ("resnet", 0.7),
        ("resnet", 0.5),
        ("resnet", 0.3),
        ("resnet", 0.12),
        ("resnet", 0.06),
        ("resnet", 0.03),
        ("resnet", 0.01),
        ("unet", 0.99),
        ("unet", 0.5),
        ("unet", 0.12),
        ("unet", 0.05),
    ],
)
def test_the_chosen_shape_fits_and_the_next_larger_one_does_not(kind, share, request):
    teacher = request.getfixturevalue(kind)
    target = share * macs(teacher, Shape.of(teacher), 32, 32)
    expected = by_the_rule(Shape.of(teacher), lambda shape: macs(teacher, shape, 32, 32) <= target)
    choice = choose_shape({"generator_g": teacher}, Targets(macs=target), **SIZE)
    assert choice.shape == expected
    found = {candidate.shape: candidate for candidate in choice.candidates}
    assert found[choice.shape].fits
    assert found[choice.shape].macs == macs(teacher, choice.shape, 32, 32) <= target
    assert not choice.teacher.fits
    larger = [candidate for candidate in choice.candidates if candidate.macs > target]
    assert all(candidate.exceeds == ("macs",) for candidate in larger)
    assert all(candidate.kb is None and candidate.ms is None for candidate in choice.candidates)


@pytest.mark.release
def test_a_generator_of_the_paper_s_size():
    teacher = ResNetGenerator(norm="instance_affine")
    choice = choose_shape({"generator_g": teacher}, Targets(macs=2.6e9))
    assert str(choice.shape) == "16x6"
    assert choice.teacher.macs == pytest.approx(49.6e9, rel=1e-3)


@pytest.mark.parametrize("kb", [25, 40, 60, 120, 300, 500])
def test_kilobytes(kb, resnet):
    measure = Measure()
    choice = choose_shape({"generator_g": resnet}, Targets(kb=kb), measure=measure, **SIZE)
    assert choice.shape == by_the_rule(
        Shape(16, 6), lambda shape: 20 + parameters(resnet, shape) / 1000 <= kb
    )
    assert len(set(measure.asked)) == len(measure.asked) < 8
    assert not any(is_timed for _, is_timed in measure.asked)
    for each in choice.candidates:
        assert each.fits == (each.kb <= kb)
        assert each.exceeds in ((), ("kb",))


def test_all_targets_hold(resnet):
    measure = Measure()
    targets = Targets(kb=200, ms=12, macs=9e6)
    choice = choose_shape({"generator_g": resnet}, targets, measure=measure, **SIZE)
    assert choice.shape == by_the_rule(
        Shape(16, 6),
        lambda shape: (
            20 + parameters(resnet, shape) / 1000 <= 200 and macs(resnet, shape, 32, 32) <= 9e6
        ),
    )
    # What has too many multiplications is not even exported.
    assert choice.teacher.exceeds == ("macs",)
    assert choice.teacher.kb is None
    assert all(macs(resnet, shape, 32, 32) <= 9e6 for shape, _ in measure.asked)
    both = choose_shape({"g": resnet}, Targets(kb=30, ms=1), measure=Measure(), **SIZE)
    assert both.teacher.exceeds == ("kb", "ms")


def test_the_dearer_of_both_directions_counts():
    gray = ResNetGenerator(ngf=8, n_blocks=2, output_channels=1)
    colors = ResNetGenerator(ngf=8, n_blocks=1, input_channels=1)
    teachers = {"generator_g": gray, "generator_f": colors}
    measure = Measure()
    choice = choose_shape(teachers, Targets(kb=30), measure=measure, **SIZE)
    assert choice.teacher.macs == macs(gray, Shape(8, 2), 32, 32)
    for each in choice.candidates:
        assert each.shape.blocks == 1
        assert each.macs == max(macs(teacher, each.shape, 32, 32) for teacher in teachers.values())
    assert len(measure.asked) == 1 + 2 * len(choice.candidates)  # one teacher is a candidate


def test_alike_directions_are_exported_once(resnet):
    measure = Measure()
    teachers = {"generator_g": resnet, "generator_f": resnet}
    choose_shape(teachers, Targets(kb=30), measure=measure, **SIZE)
    assert len(set(measure.asked)) == len(measure.asked)


@pytest.mark.parametrize("blocks", [None, 0, 1, 3, 4, 9])
def test_each_shape_costs_less_than_the_one_before(blocks, resnet, unet):
    teacher = unet if blocks is None else resnet
    for ngf in range(1, 140):
        shapes = ladder(Shape(ngf, blocks))
        assert shapes[0].ngf == ngf
        assert shapes[-1].ngf == 1
        for cost in (parameters, lambda *which: macs(*which, 256, 256)):
            costs = [cost(teacher, shape) for shape in shapes]
            assert costs == sorted(set(costs), reverse=True)


@pytest.mark.parametrize(
    ("teachers", "arguments", "words"),
    [
        ("resnet", {"targets": Targets()}, "There is no target: give --target_kb"),
        (
            "resnet",
            {"targets": Targets(macs=1e10)},
            r"--target_macs=1e\+10: the generator .* with .* MMAC.* nothing to compress",
        ),
        ("resnet", {"targets": Targets(kb=1e6, ms=1e6)}, r"k parameters, \d+ kB, [\d.]+ ms, so"),
        ("unet", {"targets": Targets(macs=9)}, "so small; the least one, 1, has .* kMAC"),
        ("resnet", {"targets": Targets(kb=2)}, "the least one, 1x1, has .* 2[0-9] kB: give"),
        ("resnet", {"targets": Targets(macs=1e6), "height": 30}, "no pictures of 30x32 pixels"),
        ("both", {"targets": Targets(macs=1e6)}, "are of two kinds .*one direction at a time"),
        ("other", {"targets": Targets(macs=1e6)}, "A PatchDiscriminator cannot be compressed"),
    ],
)
def test_refusals(teachers, arguments, words, resnet, unet):
    networks = {
        "resnet": {"generator_g": resnet},
        "unet": {"generator_g": unet},
        "both": {"generator_g": resnet, "generator_f": unet},
        "other": {"generator_g": PatchDiscriminator(ndf=2)},
    }[teachers]
    with pytest.raises(UserError, match=words) as caught:
        choose_shape(networks, measure=Measure(), **(SIZE | arguments))
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, CompressionError | ExportError)


@pytest.mark.parametrize("missing", ["ai_edge_quantizer", "cyclegan_keras.export.tflite_run"])
def test_missing_packages(missing, resnet, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delattr(cyclegan_keras.export, "tflite_run", raising=False)
    with pytest.raises(ExportError, match=r'pip install "cyclegan-keras\[export\]"'):
        choose_shape({"generator_g": resnet}, Targets(kb=30), **SIZE)


def test_another_backend_can_count_but_not_measure(resnet, monkeypatch):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    assert choose_shape({"generator_g": resnet}, Targets(macs=1e6), **SIZE).shape
    with pytest.raises(OptionError, match="needs TensorFlow"):
        choose_shape({"generator_g": resnet}, Targets(ms=3), **SIZE)


@pytest.mark.release
@pytest.mark.parametrize("variant", VARIANTS)
def test_files_are_measured(variant):
    pytest.importorskip("ai_edge_quantizer")
    teacher = ResNetGenerator(ngf=6, n_blocks=1, norm="instance_affine")
    how = {"variant": variant, "threads": 1, **SIZE}
    small = measure_file(teacher, Shape(2, 1), is_timed=True, **how)
    large = measure_file(teacher, Shape(6, 1), is_timed=False, **how)
    assert small.ms > 0
    assert large.ms is None
    weights = parameters(teacher, Shape(6, 1)) - parameters(teacher, Shape(2, 1))
    size = {"fp32": 4, "fp16": 2}.get(variant, 1)
    assert large.kb - small.kb > size * weights / 1000


@pytest.mark.release
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (ResNetGenerator, {"n_blocks": 1, "norm": "instance_affine"}),
        (ResNetGenerator, {"n_blocks": 1, "norm": "none"}),
        (UNetGenerator, {"n_downs": 3, "norm": "batch"}),
    ],
)
def test_trained_files_are_as_large_as_untrained_ones(kind, arguments, tmp_path):
    pytest.importorskip("ai_edge_quantizer")
    network = kind(ngf=4, **arguments)
    shape = Shape.of(network)
    untrained = measure_file(network, shape, variant="dynamic", threads=1, is_timed=False, **SIZE)
    rng = np.random.default_rng(1)
    network.set_weights([rng.uniform(0.1, 2, weight.shape) for weight in network.get_weights()])
    training = {"of": "." * DESCRIPTION_BYTES}
    network.description = Description.of(network, training=training)
    trained = export_tflite(network, tmp_path, "g", size=32, variants=["dynamic"])["dynamic"]
    assert trained.stat().st_size / 1000 == pytest.approx(untrained.kb, abs=0.1)


@pytest.mark.release
def test_a_search_by_files():
    pytest.importorskip("ai_edge_quantizer")
    teacher = ResNetGenerator(ngf=8, n_blocks=2, norm="batch")
    reported = []
    choice = choose_shape(
        {"generator_g": teacher},
        Targets(kb=45),
        **SIZE,
        report=reported.append,
    )
    found = {str(candidate.shape): candidate for candidate in choice.candidates}
    shapes = [str(shape) for shape in ladder(Shape(8, 2))]
    before = shapes[shapes.index(str(choice.shape)) - 1]
    assert found[str(choice.shape)].kb <= 45 < found[before].kb
    assert len(reported) == 1 + len(found)
    assert any(line.startswith(f"{choice.shape}: ") and "kB: fits" in line for line in reported)
