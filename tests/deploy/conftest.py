"""Two exported versions of a small model, and the stand-in that serves them."""

import importlib.util
import io

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

CONFIG = (ROOT / "deploy" / "models.config").read_text()


@pytest.fixture(scope="session")
def client():
    """deploy/client.py, which is a file to be copied and no module of a package."""
    spec = importlib.util.spec_from_file_location("client", ROOT / "deploy" / "client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def generators():
    from cyclegan_keras.models.resnet_generator import ResNetGenerator

    return {
        version: {
            way: ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.1) for way in ("a_to_b", "b_to_a")
        }
        for version in (1, 2)
    }


@pytest.fixture(scope="session")
def models(generators, tmp_path_factory):
    """The folder of the versions 1 and 2."""
    pytest.importorskip("tensorflow_serving")
    from cyclegan_keras.export.saved_model import export_saved_model

    base = tmp_path_factory.mktemp("cyclegan")
    for version, made in generators.items():
        export_saved_model(
            made, base / str(version), description={}, max_image_pixels=4000, warmup_size=8
        )
    return base


@pytest.fixture(scope="session")
def new_standin(models):
    """Makes a stand-in for deploy/models.config."""
    from deploy.standin import StandIn

    return lambda **kwargs: StandIn(CONFIG, models, **kwargs)


@pytest.fixture(scope="session")
def standin(new_standin):
    return new_standin()


@pytest.fixture(scope="session")
def make_picture():
    """Makes the bytes of a picture file: (height, width, seed, format)."""

    def make(height=16, width=20, seed=0, form="PNG"):
        values = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype("uint8")
        file = io.BytesIO()
        Image.fromarray(values).save(file, form)
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def decoded():
    return lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture
def folder(make_picture, tmp_path):
    """Makes a folder with that many pictures, half of them in a folder of it."""

    def make(count):
        for index in range(count):
            path = tmp_path / "in" / ("sub" if index % 2 else ".") / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make_picture(seed=index))
        return tmp_path / "in"

    return make
