"""One scene as SDR, PQ, HLG and in wide gamuts: a network must see the same each time.

The coding is written out here from ITU-R BT.2100 and BT.2408, independently of FFmpeg.
"""

import fractions
import logging as python_logging

import numpy as np
import pytest

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.translator import Translator
from cyclegan_keras.translation.video import translate_video
from cyclegan_keras.translation.video_color import Colors, to_bt709

av = pytest.importorskip("av")

HEIGHT, WIDTH, COUNT = 48, 64, 3
SAME = Recipe(translator=Translator(lambda x: x, Description()))

# Code points of ITU-T H.273.
BT709, UNSPECIFIED, SMPTE170M, BT2020, P3 = 1, 2, 6, 9, 12
PQ, HLG, BT2020_10BIT = 16, 18, 14
LIMITED, FULL = 1, 2

# RGB of BT.709 in BT.2020 (ITU-R BT.2087), and in P3 with the white D65 (SMPTE EG 432-1).
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.8225, 0.1774, 0.0000], [0.0332, 0.9669, 0.0000], [0.0171, 0.0724, 0.9105]])


def scene():
    """Signals in [0, 1] of an SDR display: two gradients, colors, black, gray and white."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    signals = np.stack([x / WIDTH, y / HEIGHT, 0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 7)], axis=-1)
    signals[:16, :16] = 1
    signals[:16, 16:32] = 0.5
    signals[:16, 32:48] = 0
    signals[32:, :16] = (0.8, 0.3, 0.25)
    return signals


def pq_signals(light):
    """The inverse EOTF of BT.2100 for PQ, of cd/m2."""
    power = (light / 10000) ** (2610 / 16384)
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    return ((c1 + c2 * power) / (1 + c3 * power)) ** (2523 / 4096 * 128)


def hlg_signals(light):
    """The inverse OOTF and the OETF of BT.2100 for HLG on a display of 1000 cd/m2, of cd/m2."""
    luminance = light @ np.array([0.2627, 0.6780, 0.0593])
    gain = np.maximum(luminance / 1000, 1e-12) ** (1 / 1.2 - 1)
    of_scene = gain[..., None] * light / 1000
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    logarithm = a * np.log(np.maximum(12 * of_scene - b, 1e-12)) + c
    return np.where(of_scene <= 1 / 12, np.sqrt(3 * of_scene), logarithm)


def light_of(signals):
    """cd/m2 on a display of BT.1886 whose white is the diffuse white of BT.2408."""
    return 203 * signals**2.4


def coded(kind, signals):
    """Returns (signals of a kind in [0, 1], its matrix, primaries, transfer)."""
    light = light_of(signals)
    if kind == "pq":
        return pq_signals(light @ TO_BT2020.T), BT2020, BT2020, PQ
    if kind == "hlg":
        return hlg_signals(light @ TO_BT2020.T), BT2020, BT2020, HLG
    if kind == "bt2020":
        return (signals**2.4 @ TO_BT2020.T) ** (1 / 2.4), BT2020, BT2020, BT2020_10BIT
    if kind == "p3":
        return (signals**2.4 @ TO_P3.T) ** (1 / 2.4), BT709, P3, BT709
    return signals, BT709, BT709, BT709


def luma_and_chroma(signals, matrix, range_):
    """Y Cb Cr of 16 bits by ITU-T H.273."""
    red_part, blue_part = {BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}[matrix]
    luma = signals @ np.array([red_part, 1 - red_part - blue_part, blue_part])
    blue = (signals[..., 2] - luma) / (2 * (1 - blue_part))
    red = (signals[..., 0] - luma) / (2 * (1 - red_part))
    if range_ == FULL:
        planes = [65535 * luma, 65535 * blue + 32768, 65535 * red + 32768]
    else:
        planes = [256 * (219 * luma + 16), 256 * (224 * blue + 128), 256 * (224 * red + 128)]
    return np.rint(np.clip(np.stack(planes, axis=-1), 0, 65535)).astype(np.uint16)


def write(path, kind, signals, *, codec="ffv1", pix_fmt="yuv444p10le", range_=LIMITED, tags=None):
    """Writes COUNT equal frames; `tags` replaces the true (matrix, primaries, transfer)."""
    values, *true_tags = coded(kind, signals)
    matrix, primaries, transfer = tags or true_tags
    planes = luma_and_chroma(np.clip(values, 0, 1), true_tags[0], range_)
    options = {
        "ffv1": {},
        "libx264": {"crf": "1"},
    }
    options["libx265"] = {"x265-params": "crf=2:log-level=error"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options[codec])
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        context = stream.codec_context
        context.color_primaries, context.color_trc = primaries, transfer
        context.colorspace, context.color_range = matrix, range_
        for index in range(COUNT):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv444p16le")
            frame.color_range = range_
            frame = frame.reformat(format=pix_fmt)
            frame.color_primaries, frame.color_trc = primaries, transfer
            frame.colorspace, frame.color_range = matrix, range_
            frame.pts, frame.time_base = index, fractions.Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def seen(source, folder):
    """Returns what the network sees of the first frame, in levels of 0 to 255."""
    inputs = []

    def record(x):
        inputs.append(np.asarray(x))
        return x

    recipe = Recipe(translator=Translator(record, Description()))
    translate_video(source, folder / f"seen{source.suffix}", recipe)
    return (inputs[0][0] + 1) * 127.5


def tags_of(path):
    """Returns (matrix, primaries, transfer, range) of the first frame."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range


def first_frame(path):
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame.to_ndarray(format="rgb24", src_colorspace=1, dst_color_range=FULL).astype(
            float
        )


@pytest.mark.parametrize("kind", ["sdr", "pq", "hlg", "bt2020", "p3"])
@pytest.mark.parametrize(
    ("codec", "pix_fmt", "ending"),
    [
        ("ffv1", "yuv444p10le", ".mkv"),
        ("ffv1", "yuv444p12le", ".mkv"),
        ("libx265", "yuv420p10le", ".mp4"),
        ("libx264", "yuv420p10le", ".mkv"),
    ],
)
def test_a_network_sees_one_scene_whatever_its_coding(kind, codec, pix_fmt, ending, tmp_path):
    """Six levels on average are allowed; coding in 10 bits costs one."""
    source = write(tmp_path / f"a{ending}", kind, scene(), codec=codec, pix_fmt=pix_fmt)
    difference = np.abs(seen(source, tmp_path) - 255 * scene())
    chroma_is_halved = "420" in pix_fmt  # which smears the edges of colors
    assert difference.mean() < (3.0 if chroma_is_halved else 1.0)
    white, gray = slice(4, 12), slice(20, 28)
    assert difference[4:12, white].max() < 2
    assert difference[4:12, gray].max() < 2


@pytest.mark.parametrize("kind", ["pq", "hlg"])
def test_hdr_comes_out_as_the_sdr_video(kind, tmp_path):
    """Both through the whole command, by H.264 of 8 bits at the end."""
    hdr = write(tmp_path / "hdr.mkv", kind, scene())
    sdr = write(tmp_path / "sdr.mkv", "sdr", scene())
    for source in (hdr, sdr):
        translate_video(source, tmp_path / f"{source.stem}.mp4", SAME, crf=2)
    difference = np.abs(first_frame(tmp_path / "hdr.mp4") - first_frame(tmp_path / "sdr.mp4"))
    assert difference.mean() < 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pq", "hlg"])
def test_ffmpeg_s_own_conversion_agrees(kind, tmp_path):
    """`scale` of FFmpeg is coarse for saturated colors, but exact for grays."""
    gray = np.broadcast_to(np.linspace(0, 1, WIDTH)[:, None], (HEIGHT, WIDTH, 3))
    source = write(tmp_path / "a.mkv", kind, gray)
    with av.open(str(source)) as container:
        frame = next(container.decode(video=0))
    graph = av.filter.Graph()
    buffer = graph.add_buffer(
        width=WIDTH, height=HEIGHT, format=frame.format, time_base=fractions.Fraction(1, 25)
    )
    names = {"pq": "smpte2084", "hlg": "arib-std-b67"}
    try:
        scale = graph.add(
            "scale",
            f"in_transfer={names[kind]}:in_primaries=bt2020:in_color_matrix=bt2020:in_range=tv:"
            "out_transfer=bt709:out_primaries=bt709:out_range=pc:intent=relative_colorimetric",
        )
    except av.error.FFmpegError:
        pytest.skip("this FFmpeg converts no transfer functions")
    rgb = graph.add("format", "rgb24")
    sink = graph.add("buffersink")
    buffer.link_to(scale)
    scale.link_to(rgb)
    rgb.link_to(sink)
    graph.configure()
    graph.push(frame)
    expected = graph.pull().to_ndarray().astype(float)
    assert np.abs(seen(source, tmp_path) - expected).mean() < 2


@pytest.mark.parametrize("kind", ["sdr", "pq"])
def test_the_full_range_is_read(kind, tmp_path):
    source = write(tmp_path / "a.mkv", kind, scene(), range_=FULL)
    assert np.abs(seen(source, tmp_path) - 255 * scene()).mean() < 1


def test_eight_bits_of_the_full_range_are_read(tmp_path):
    source = write(tmp_path / "a.mkv", "sdr", scene(), pix_fmt="yuv444p", range_=FULL)
    assert np.abs(seen(source, tmp_path) - 255 * scene()).mean() < 1.5


def test_more_than_eight_bits_reach_the_network(tmp_path):
    ramp = np.linspace(0.4, 0.5, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1).repeat(3, axis=-1)
    source = write(tmp_path / "a.mkv", "sdr", ramp, pix_fmt="yuv444p12le")
    levels = seen(source, tmp_path)
    assert np.abs(levels - 255 * ramp).max() < 0.1
    assert len(np.unique(levels[..., 0])) > 300


def test_colors_of_hdr_without_its_primaries_are_those_of_bt2020(tmp_path):
    tags = (BT2020, UNSPECIFIED, PQ)
    source = write(tmp_path / "a.mkv", "pq", scene(), tags=tags)
    assert np.abs(seen(source, tmp_path) - 255 * scene()).mean() < 1


def test_the_matrix_of_hdr_is_guessed_as_players_do(tmp_path):
    tags = (UNSPECIFIED, BT2020, PQ)
    source = write(tmp_path / "a.mkv", "pq", scene(), tags=tags)
    assert np.abs(seen(source, tmp_path) - 255 * scene()).mean() < 1


@pytest.mark.parametrize("kind", ["pq", "hlg", "bt2020", "p3"])
@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_what_is_converted_is_tagged_as_bt709(kind, ending, tmp_path):
    source = write(tmp_path / "a.mkv", kind, scene())
    translate_video(source, tmp_path / f"b{ending}", SAME)
    assert tags_of(tmp_path / f"b{ending}") == (BT709, BT709, BT709, LIMITED)


@pytest.mark.parametrize("tags", [(1, 1, 1), (6, 6, 6), (5, 5, 4), (1, 1, 13)])
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_tags_of_sdr_stay(tags, ending, tmp_path):
    source = write(tmp_path / "a.mkv", "sdr", scene(), tags=tags, range_=FULL)
    translate_video(source, tmp_path / f"b{ending}", SAME)
    assert tags_of(tmp_path / f"b{ending}") == (*tags, LIMITED)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("pq", "is HDR (PQ)"), ("hlg", "is HDR (HLG)"), ("bt2020", "is a wide gamut"), ("sdr", None)],
)
def test_a_conversion_is_one_sentence(kind, words, tmp_path, caplog):
    source = write(tmp_path / "a.mkv", kind, scene())
    with caplog.at_level(python_logging.INFO, logger="absl"):
        translate_video(source, tmp_path / "b.mp4", SAME, batch_size=1)
    said = [record.getMessage() for record in caplog.records if "BT.709" in record.getMessage()]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ((14, BT2020, PQ), "ICtCp"),
        ((8, BT709, BT709), "YCgCo"),
        ((BT709, BT709, 8), "linear light"),
        ((BT709, BT709, 9), "logarithm"),
    ],
)
def test_other_codings_are_refused_with_a_sentence(tags, words, tmp_path):
    source = write(tmp_path / "a.mkv", "sdr", scene(), tags=tags)
    with pytest.raises(TranslationError, match=f"{words}.*convert it to BT.709, PQ or HLG first"):
        translate_video(source, tmp_path / "b.mkv", SAME)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize("kind", ["pq", "hlg"])
def test_highlights_become_white_without_changing_hue(kind):
    """Rows of ever more light: gray, orange and a red that BT.709 cannot show."""
    brightness = np.linspace(0.05, 4.9, 60)  # times diffuse white; HLG ends at 1000 cd/m2
    hues = np.array([[1.0, 1.0, 1.0], [1.0, 0.5, 0.1]])
    light = 203 * brightness[None, :, None] * hues[:, None] @ TO_BT2020.T
    pure_red = 203 * brightness[:, None] * np.array([1.0, 0.0, 0.0])  # of BT.2020
    light = np.concatenate([light, pure_red[None]])
    encode = {"pq": pq_signals, "hlg": hlg_signals}[kind]
    signals = np.rint(65535 * np.clip(encode(light), 0, 1)).astype(np.uint16)
    transfer = {"pq": PQ, "hlg": HLG}[kind]
    colors = Colors(matrix=BT2020, primaries=BT2020, transfer=transfer)
    gray, orange, red = to_bt709(signals, colors).astype(float) / 65535

    assert np.ptp(gray, axis=-1).max() < 0.002
    assert (np.diff(gray[:, 0]) >= -0.001).all()
    assert gray[brightness > 1].min() > 0.998
    for color in (orange, red):
        luminance = color**2.4 @ np.array([0.2126, 0.7152, 0.0722])
        assert (np.diff(luminance) >= -0.001).all()  # brighter light is never darker
        assert (color[:, 0] >= color[:, 1] - 0.001).all()  # red stays the strongest
        assert (color[:, 0] >= color[:, 2] - 0.001).all()
    assert (orange[:, 1] >= orange[:, 2] - 0.001).all()
    np.testing.assert_allclose(orange[-1], 1, atol=0.002)


def test_black_and_white_are_exact():
    for transfer, white in ((PQ, pq_signals(np.array(203.0))), (BT2020_10BIT, 1.0)):
        colors = Colors(matrix=BT2020, primaries=BT2020, transfer=transfer)
        signals = np.zeros((1, 2, 3), np.uint16)
        signals[0, 1] = round(65535 * float(white))
        black, brightest = to_bt709(signals, colors)[0]
        np.testing.assert_array_equal(black, 0)
        assert abs(int(brightest.min()) - 65535) < 30
