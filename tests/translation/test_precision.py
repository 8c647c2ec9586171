"""Translations in int8 and bfloat16 beside those of Keras in float32."""

import concurrent.futures
import functools
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import ROOT
from optional import optional

from cyclegan_keras.export.tflite import int8_graph
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.translation import int8_cache, opening
from cyclegan_keras.translation.blended_tiles import BlendedTiles
from cyclegan_keras.translation.int8_cache import Int8Cache, folders_for, network_digest
from cyclegan_keras.translation.int8_network import Int8Network
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.translator import Translator

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")


def pictures(height, width, count=3, channels=3):
    """Noise whose range differs from picture to picture, as that of int8 does."""
    values = np.random.default_rng(0).uniform(-1, 1, (count, height, width, channels))
    return (values * np.linspace(0.3, 1, count)[:, None, None, None]).astype(np.float32)


def psnr(expected, found):
    return 10 * np.log10(4 / np.mean(np.square(expected - found)))


@functools.cache
def small_generator():
    return ResNetGenerator(ngf=4, n_blocks=1, init_gain=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        functools.partial(ResNetGenerator, n_blocks=1),
        functools.partial(ResNetGenerator, n_blocks=0, antialias=True, antialias_up=True),
        functools.partial(ResNetGenerator, n_blocks=0, upsample="resize", padding="zero"),
        functools.partial(UNetGenerator, n_downs=3, norm="instance"),
    ],
)
def test_one_graph_of_int8_is_close_to_keras_at_every_size(build):
    optional("ai_edge_quantizer")
    network = build(ngf=4, init_gain=0.2)
    graphs = []
    cache = Int8Cache(network)

    def graph_for(size):
        graphs.append(size)
        return cache(size)

    int8 = Int8Network(network, graph_for, cores=2)
    for height, width in ((32, 32), (16, 40), (32, 32)):
        x = pictures(height, width)
        together = int8(x)
        assert psnr(np.asarray(network(x, training=False)), together) > 30
        alone = np.concatenate([int8(picture[None]) for picture in x])
        np.testing.assert_array_equal(together, alone)  # also with other threads
    assert graphs == [None]


@pytest.mark.slow
def test_int8_is_the_exported_variant_dynamic(tmp_path):
    optional("ai_edge_quantizer")
    from cyclegan_keras.export import tflite_run
    from cyclegan_keras.export.tflite import export_tflite

    network = small_generator()
    paths = export_tflite(network, tmp_path, "g", size=24, variants=["dynamic"])
    x = pictures(24, 24)
    exported = tflite_run.run(tflite_run.open_model(paths["dynamic"]), x)
    np.testing.assert_allclose(Int8Network(network, Int8Cache(network))(x), exported, atol=1e-5)


@pytest.mark.slow
def test_noise_at_test_needs_a_graph_for_each_size():
    optional("ai_edge_quantizer")
    network = ResNetGenerator(ngf=4, n_blocks=1, init_gain=0.2, dropout=True, test_dropout=True)
    sizes = []
    cache = Int8Cache(network)

    def graph_for(size):
        sizes.append(size)
        return cache(size)

    int8 = Int8Network(network, graph_for)
    for height, width in ((16, 16), (16, 24), (16, 16)):
        x = pictures(height, width, count=1)
        assert psnr(np.asarray(network(x, training=False)), int8(x)) > 30
    assert sizes == [(16, 16), (16, 24)]


def test_bfloat16_is_closer_and_changes_nothing_for_others():
    import keras

    network = small_generator()
    network.description = Description.of(network, source="horse")
    translator = opening.translator_of(network, precision="bfloat16")
    x = pictures(24, 30)
    expected = opening.translator_of(network)(x)
    found = translator(x)
    assert found.dtype == np.float32
    assert 45 < psnr(expected, found) < 90  # of more than 90 it would be float32
    assert translator.description.source == "horse"
    assert translator.precision == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"
    assert network.layers[2].compute_dtype == "float32"


def test_tiles_in_bfloat16_are_exact_too():
    network = ResNetGenerator(ngf=4, n_blocks=1, init_gain=0.2, dropout=True, test_dropout=True)
    x = pictures(24, 32, count=1)
    expected = opening.translator_of(network)(x)
    whole = psnr(expected, opening.translator_of(network, precision="bfloat16")(x))
    tiled = opening.translator_of(network, precision="bfloat16", tile_size=12)(x)
    assert psnr(expected, tiled) > whole - 3


convert_once = functools.cache(int8_graph)


@pytest.fixture
def made_graphs(monkeypatch):
    """Lists the sizes of the graphs that caches make; here each is converted once."""
    optional("ai_edge_quantizer")
    made = []

    def count(network, size):
        made.append(size)
        return convert_once(network, size)

    monkeypatch.setattr(int8_cache, "int8_graph", count)
    return made


@functools.cache
def other_generator():
    """A generator that differs from `small_generator` by almost nothing."""
    other = ResNetGenerator(ngf=4, n_blocks=1, init_gain=0.2)
    other.set_weights([weight + 1e-6 for weight in small_generator().get_weights()])
    return other


@pytest.mark.slow
def test_a_graph_is_made_once_for_a_model(made_graphs, tmp_path):
    first = Int8Cache(small_generator(), [tmp_path])(None)
    assert Int8Cache(small_generator(), [tmp_path])(None) == first
    assert made_graphs == [None]
    assert Int8Cache(small_generator(), [tmp_path])((32, 32)) != first
    assert Int8Cache(other_generator(), [tmp_path])(None) != first
    assert made_graphs == [None, (32, 32), None]


@pytest.mark.slow
def test_a_graph_that_was_kept_translates_as_when_it_was_made(made_graphs, tmp_path):
    x = pictures(32, 24)
    first, second = (
        opening.translator_of(small_generator(), precision="int8", int8_folders=[tmp_path])(x)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert made_graphs == [None]


def test_other_packages_make_other_graphs(monkeypatch):
    network = small_generator()
    before = network_digest(network)
    assert network_digest(network) == before
    monkeypatch.setattr(int8_cache.importlib.metadata, "version", lambda package: "0")
    assert network_digest(network) != before


@pytest.mark.slow
def test_a_damaged_graph_is_made_again(made_graphs, tmp_path):
    network = small_generator()
    graph = Int8Cache(network, [tmp_path])(None)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (b"", whole[:20], b"x" + whole[1:]):
        path.write_bytes(damaged)
        assert Int8Cache(network, [tmp_path])(None) == graph
        assert path.read_bytes() == whole
    assert len(made_graphs) == 4


@pytest.mark.slow
def test_where_the_first_folder_cannot_be_written_the_next_is_taken(made_graphs, tmp_path):
    (tmp_path / "file").touch()
    folders = [tmp_path / "file" / ".int8", tmp_path / "user"]
    graph = Int8Cache(small_generator(), folders)(None)
    assert len(list((tmp_path / "user").iterdir())) == 1
    assert Int8Cache(small_generator(), folders)(None) == graph
    assert made_graphs == [None]
    assert Int8Cache(small_generator(), folders[:1])(None) == graph  # kept nowhere
    assert made_graphs == [None, None]


@pytest.mark.slow
def test_two_at_once_make_one_whole_file(monkeypatch, tmp_path):
    optional("ai_edge_quantizer")
    graph = convert_once(small_generator(), None)
    both = threading.Barrier(2)

    def wait_for_the_other(network, size):
        both.wait(timeout=20)  # so that both make it, and write it at about the same time
        return convert_once(network, size)

    monkeypatch.setattr(int8_cache, "int8_graph", wait_for_the_other)
    caches = [Int8Cache(small_generator(), [tmp_path]) for _ in range(2)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda cache: cache(None), caches)) == [graph] * 2
    assert len(list(tmp_path.iterdir())) == 1
    assert Int8Cache(small_generator(), [tmp_path])(None) == graph


TRANSLATE_AT_ONCE = """
import pathlib, sys, time
import numpy as np
from cyclegan_keras.translation.opening import open_translators
(translator,) = open_translators("g.keras", precision="int8").values()
pathlib.Path(f"{sys.argv[1]}.ready").touch()
while len(list(pathlib.Path().glob("*.ready"))) < 2:
    time.sleep(0.01)
np.save(sys.argv[1], translator(np.load("x.npy")))
"""


@pytest.mark.release
def test_two_processes_at_once_translate_alike(tmp_path):
    optional("ai_edge_quantizer")
    small_generator().save(tmp_path / "g.keras")
    np.save(tmp_path / "x.npy", pictures(32, 32))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "c")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRANSLATE_AT_ONCE, name], cwd=tmp_path, env=environment
        )
        for name in ("one", "two")
    ]
    assert [process.wait(timeout=200) for process in processes] == [0, 0]
    np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), np.load(tmp_path / "two.npy"))
    assert len(list((tmp_path / ".int8").iterdir())) == 1
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_the_cache_is_bounded_and_keeps_what_was_used_last(made_graphs, monkeypatch, tmp_path):
    monkeypatch.setattr(int8_cache, "MOST_FILES", 2)
    networks = {"small": small_generator(), "other": other_generator()}
    for name, size in (
        ("small", None),
        ("small", (32, 32)),
        ("small", None),
        ("other", None),
        ("small", None),
    ):
        Int8Cache(networks[name], [tmp_path])(size)
    assert made_graphs == [None, (32, 32), None]
    assert len(list(tmp_path.iterdir())) == 2


def test_graphs_lie_beside_their_model(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = tmp_path / "run"
    run.mkdir()
    (run / "options.json").write_text("{}")
    (tmp_path / "g.keras").touch()
    user = tmp_path / "cache" / "cyclegan-keras" / "int8"
    assert folders_for(str(run)) == [run / ".int8", user]
    assert folders_for(str(tmp_path / "g.keras")) == [tmp_path / ".int8", user]
    both = f"generator_f={tmp_path / 'g.keras'},{run / 'other.keras'}"
    assert folders_for(both) == [tmp_path / ".int8", user]
    # The cache of the Hub holds what the Hub has, and nothing else.
    monkeypatch.setattr(int8_cache.client, "cache_folder", lambda: tmp_path)
    assert folders_for(str(tmp_path / "g.keras")) == [user]


@pytest.mark.parametrize("name", ["model.tflite", "export"])
def test_exports_have_one_precision(name, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "saved_model.pb").touch()
    with pytest.raises(TranslationError, match="in the precision that it was exported in"):
        opening.open_translators(str(tmp_path / name), precision="int8")


def test_without_the_quantizer_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(TranslationError, match=r"pip install \"cyclegan-keras\[export\]\""):
        opening.translator_of(small_generator(), precision="int8")


def test_what_lower_precision_costs_deep_pictures_is_said(caplog):
    shown = Description()
    opening._note_of_depth(shown, TranslateOptions(precision="int8"))
    assert not caplog.messages
    opening._note_of_depth(shown, TranslateOptions(precision="int8", bit_depth=16))
    assert "44 dB, or 7 bits" in caplog.text


@pytest.mark.parametrize("size", [(48, 80), (80, 24), (32, 32)])
def test_blended_tiles_of_one_size_cover_a_picture(size):
    shapes = set()

    def twice(images):
        shapes.add(images.shape)
        return 2 * images

    x = pictures(*size, count=1)
    tiles = BlendedTiles(twice, side=35, multiple=4, smallest=8)
    np.testing.assert_allclose(tiles(x), 2 * x, atol=1e-6)
    assert shapes == {(1, min(size[0], 32), min(size[1], 32), 3)}


def test_large_pictures_go_to_tiles_and_no_batch_is_tried():
    """A network that computes pictures one by one is not asked whether batches matter."""

    def never(images):
        raise AssertionError

    tiles = BlendedTiles(lambda images: images, side=16, multiple=4, smallest=8)
    translator = Translator(never, Description(), tiles, most_pixels=16 * 16, one_by_one=True)
    assert translator.is_batch_invariant
    x = pictures(32, 32, count=1)
    np.testing.assert_allclose(translator(x), x, atol=1e-6)
