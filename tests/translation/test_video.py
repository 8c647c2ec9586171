"""Videos are made here, translated and read; FFmpeg itself is the oracle."""

import fractions
import pathlib

import numpy as np
import pytest
from optional import optional

from cyclegan_keras.files.errors import TranslationError, WriteError
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation.opening import translator_of
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.translator import Translator
from cyclegan_keras.translation.video import translate_video

av = pytest.importorskip("av")

SAME = Translator(lambda x: x, Description())
NEGATIVE = Translator(lambda x: -x, Description())
TIMES = [0, 1, 2, 4, 5, 9, 10, 11, 13, 20, 21, 22]  # a variable rate, in 1/12 s


def frames_of(height, width):
    """Frames with a bright upper left corner and a bar that moves right."""
    count = len(TIMES)
    frames = np.full((count, height, width, 3), 60, "uint8")
    frames[:, : height // 4, : width // 4] = (230, 40, 40)
    for index, frame in enumerate(frames):
        frame[height // 2 :, : 1 + (index + 1) * width // (count + 1)] = (40, 200, 90)
    return frames


def write(path, frames, *, audio=None, codec="libx264", matrix=6, aspect=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=12, options={"crf": "5"})
        stream.height, stream.width = frames.shape[1:3]
        odd = stream.height % 2 or stream.width % 2
        stream.pix_fmt = "yuv444p" if odd else "yuv420p"
        stream.codec_context.time_base = fractions.Fraction(1, 12)
        stream.codec_context.colorspace = matrix
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if audio:
            sound = container.add_stream(audio, rate=48000)
            sound.layout = "mono"
        for time, pixels in zip(TIMES, frames, strict=False):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace={1: 1, 6: 5}[matrix])
            frame.pts, frame.time_base = time, fractions.Fraction(1, 12)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio:
            wave = np.sin(np.arange(2 * 48000) / 20).astype("float32")[None]
            for start in range(0, wave.shape[1], 960):
                frame = av.AudioFrame.from_ndarray(
                    wave[:, start : start + 960], format="fltp", layout="mono"
                )
                frame.sample_rate, frame.pts = 48000, start
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


def read(path):
    """Returns (frames as RGB, their times, the bytes of the audio's packets)."""
    frames, times, packets = [], [], []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.stream.type == "audio":
                packets.append(bytes(packet))
                continue
            for frame in packet.decode():
                matrix = {1: 1, 5: 5, 6: 5}[frame.colorspace]
                frames.append(frame.to_ndarray(format="rgb24", src_colorspace=matrix))
                times.append(frame.time)
    return np.stack(frames), times, [packet for packet in packets if packet]


@pytest.mark.parametrize(
    ("ending", "audio"), [("mp4", "aac"), ("mkv", "libopus"), ("mov", "aac"), ("webm", "libopus")]
)
def test_frames_times_and_audio_stay(ending, audio, tmp_path):
    codec = "libvpx-vp9" if ending == "webm" else "libx264"
    source = write(tmp_path / f"a.{ending}", frames_of(48, 64), audio=audio, codec=codec)
    target = tmp_path / "new" / f"b.{ending}"
    assert translate_video(source, target, Recipe(translator=SAME), crf=5) == len(TIMES)
    before, after = read(source), read(target)
    assert before[0].shape == after[0].shape
    assert np.abs(before[0].astype(int) - after[0]).mean() < 2
    np.testing.assert_allclose(after[1], before[1], atol=0.002)
    assert after[2] == before[2]
    assert len(after[2]) > 90
    assert [p.name for p in target.parent.iterdir()] == [target.name]


def test_frames_are_translated(tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64))
    translate_video(source, tmp_path / "b.mp4", Recipe(translator=NEGATIVE), crf=5, batch_size=5)
    before, after = read(source)[0], read(tmp_path / "b.mp4")[0]
    assert np.abs(255 - before.astype(int) - after).mean() < 3


@pytest.mark.parametrize("matrix", [1, 6])
def test_color_tags_stay(matrix, tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64), matrix=matrix)
    translate_video(source, tmp_path / "b.mp4", Recipe(translator=SAME), crf=5)
    with av.open(str(tmp_path / "b.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, 1)
    assert np.abs(frames_of(48, 64).astype(int) - read(tmp_path / "b.mp4")[0]).mean() < 3


@pytest.mark.parametrize("size", [(33, 47), (2, 2), (1, 31)])
def test_odd_sizes_stay(size, tmp_path):
    source = write(tmp_path / "a.mkv", frames_of(*size))
    translate_video(source, tmp_path / "b.mkv", Recipe(translator=SAME))
    assert read(tmp_path / "b.mkv")[0].shape[1:3] == size


IDENTITY = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
CLOCKWISE = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()


def test_a_phone_s_rotation_is_applied(tmp_path):
    """The matrix of QuickTime's track header: (x, y) goes to (-y, x), a quarter turn clockwise."""
    path = write(tmp_path / "a.mp4", frames_of(48, 64))
    data = path.read_bytes()
    start = data.index(IDENTITY, data.index(b"tkhd"))
    path.write_bytes(data[:start] + CLOCKWISE + data[start + len(IDENTITY) :])
    translate_video(path, tmp_path / "b.mp4", Recipe(translator=SAME), crf=5)
    turned = read(tmp_path / "b.mp4")[0]
    expected = np.rot90(frames_of(48, 64), -1, axes=(1, 2))
    assert turned.shape == expected.shape
    assert np.abs(expected.astype(int) - turned).mean() < 3
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_side_by_side_with_the_cycle(tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64))
    recipe = Recipe(translator=NEGATIVE, back=NEGATIVE, side_by_side=True)
    translate_video(source, tmp_path / "b.mp4", recipe, crf=5)
    first, second, third = np.split(read(tmp_path / "b.mp4")[0].astype(int), 3, axis=2)
    assert np.abs(first - third).mean() < 3
    assert np.abs(255 - first - second).mean() < 3


def test_pixels_that_are_not_square_stay_so(tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64), aspect=fractions.Fraction(16, 11))
    translate_video(source, tmp_path / "b.mp4", Recipe(translator=SAME))
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == fractions.Fraction(16, 11)


def test_a_stopped_video_leaves_nothing(tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64))
    asked = iter([False, True])
    out = tmp_path / "out" / "b.mp4"
    recipe = Recipe(translator=SAME)
    assert translate_video(source, out, recipe, batch_size=4, stopped=lambda: next(asked)) is None
    assert not list(out.parent.iterdir())


def test_bad_videos_are_sentences(tmp_path):
    good = write(tmp_path / "good.mkv", frames_of(48, 64), audio="aac")
    data = good.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 6])
    (tmp_path / "text.mp4").write_text("no video")
    with av.open(str(tmp_path / "sound.mkv"), "w") as container, av.open(str(good)) as reader:
        stream = container.add_stream_from_template(reader.streams.audio[0])
        for packet in reader.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    cases = {
        "half.mkv": ("b.mkv", "is damaged or not complete|is damaged after"),
        "text.mp4": ("b.mp4", "is damaged or no video"),
        "missing.mp4": ("b.mp4", "No such file"),
        "sound.mkv": ("b.mkv", "has no video stream"),
        "good.mkv": ("b.avi", "videos can be written as .mp4"),
    }
    for name, (target, sentence) in cases.items():
        with pytest.raises(TranslationError, match=sentence):
            translate_video(tmp_path / name, tmp_path / target, Recipe(translator=SAME))
        assert not list(tmp_path.glob("*b.*"))


def test_audio_that_the_ending_cannot_hold(tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64), audio="aac")
    with pytest.raises(TranslationError, match=r"\.webm cannot hold aac .* try --output=....mkv"):
        translate_video(source, tmp_path / "b.webm", Recipe(translator=SAME))


def test_damage_in_the_middle_is_an_error(tmp_path):
    source = write(tmp_path / "a.mp4", frames_of(48, 64))
    data = bytearray(source.read_bytes())
    start = data.index(b"mdat") + 4
    data[start + 400 : start + 1200] = b"\xff" * 800
    source.write_bytes(data)
    with pytest.raises(TranslationError, match="damaged"):
        translate_video(source, tmp_path / "b.mp4", Recipe(translator=SAME))
    assert not (tmp_path / "b.mp4").exists()


def test_a_full_disk_is_a_sentence(tmp_path, limited_file_size):
    noise = np.random.default_rng(0).integers(0, 256, (12, 96, 96, 3)).astype("uint8")
    source = write(tmp_path / "a.mp4", noise)
    with limited_file_size(20000), pytest.raises(WriteError, match="Cannot write"):
        translate_video(source, tmp_path / "b.mp4", Recipe(translator=SAME), crf=1)
    assert [p.name for p in pathlib.Path(tmp_path).iterdir()] == ["a.mp4"]


@pytest.mark.slow
def test_a_video_in_int8_looks_like_float32(tmp_path):
    optional("ai_edge_quantizer")
    source = write(tmp_path / "in.mp4", frames_of(32, 48))
    network = ResNetGenerator(ngf=4, n_blocks=0, init_gain=0.2)
    found = []
    for precision in ("float32", "int8"):
        recipe = Recipe(translator=translator_of(network, precision=precision))
        assert translate_video(source, tmp_path / f"{precision}.mp4", recipe, crf=5) == len(TIMES)
        found.append(read(tmp_path / f"{precision}.mp4")[0].astype(int))
    assert 0 < np.abs(found[0] - found[1]).mean() < 4
