import pytest

from cyclegan_keras.files.errors import DataError
from pipelines.sources import datasets


def test_known_names_have_their_prefix():
    assert {"cycle_gan/horse2zebra", "demo/ponies", "demo/pony_pairs"} <= set(datasets.known())
    assert all(name.partition("/")[0] in datasets.SOURCES for name in datasets.known())


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (None, "No --dataset given: .*cycle_gan/horse2zebra"),
        ("cycle_gan/horse2zebar", "Did you mean --dataset=cycle_gan/horse2zebra"),
        ("horse2zebra", "Did you mean --dataset=cycle_gan/horse2zebra"),
        ("cycle-gan/maps", "Did you mean --dataset=cycle_gan/maps"),
        ("/no/such/folder/at/all", "neither a folder that exists nor a known data set.*Known:"),
        (__file__, "is a file, not a folder"),
    ],
)
def test_unknown_data_sets(dataset, message):
    with pytest.raises(DataError, match=message):
        datasets.find(dataset)
