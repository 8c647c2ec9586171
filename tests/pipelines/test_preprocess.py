import pytest

from pipelines.preprocess import PREPROCESSING, scaled_size, viewing_size, viewing_words


@pytest.mark.parametrize(
    ("preprocess", "size", "expected"),
    [
        ("resize_and_crop", (300, 200), (286, 286)),
        ("crop", (301, 203), (301, 203)),
        ("scale_width", (300, 200), (288, 192)),  # 286 x 190.67, then multiples of 4
        ("scale_width_and_crop", (300, 200), (286, 190)),
        ("scale_shortside", (300, 200), (428, 288)),  # 429 x 286
        ("scale_shortside_and_crop", (300, 200), (429, 286)),
        ("scale_shortside_and_crop", (200, 300), (286, 429)),
        ("none", (301, 203), (300, 204)),
        ("none", (1, 1), (4, 4)),
    ],
)
def test_scaled_size(preprocess, size, expected):
    assert scaled_size(preprocess, size, 286) == expected


def test_resize_and_crop_shows_whole_pictures():
    assert viewing_size("resize_and_crop", (300, 200), 286, 256) == (256, 256)
    for preprocess in set(PREPROCESSING) - {"resize_and_crop"}:
        size = (300, 200)
        assert viewing_size(preprocess, size, 286, 256) == scaled_size(preprocess, size, 286)


@pytest.mark.parametrize("preprocess", PREPROCESSING)
def test_words_name_the_sizes_that_count(preprocess):
    words = viewing_words(preprocess, load_size=286, crop_size=256)
    is_cropped = PREPROCESSING[preprocess].crops
    assert ("256 x 256" in words) == is_cropped
    assert ("286" in words) == preprocess.startswith("scale_")
    assert ("multiples of 4" in words) == (not is_cropped)
