"""What the numbers of a video mean, and the conversion of HDR and wide gamuts to BT.709.

Networks are trained on pictures of standard dynamic range, so that is what they see. FFmpeg decodes
a frame and brings its chroma to full resolution; the rest is arithmetic of the standards:

    luma and chroma -> signal          ITU-T H.273, by the matrix and the range
    signal -> light of the display     BT.1886, or BT.2100 for PQ and HLG
    light / 203 cd/m2                  BT.2408: the white of a sheet of paper in HDR is 203 cd/m2
    BT.2020 or P3 -> BT.709            a matrix, by way of CIE XYZ
    what BT.709 cannot show            moves towards the gray of the same luminance
    light -> signal                    the inverse of BT.1886

This takes about 0.1 s for 1920x1080 pixels. FFmpeg's own filter `scale` (of FFmpeg 8.1) converts by
a coarse table: it is off by up to 60 of 255 levels for saturated colors, and with its default
intent it darkens white to 156. The filter `zscale` is not part of the package av, and av 17.0
converts 10 bits to RGB of 16 wrongly.
"""

import dataclasses
import functools
from typing import Any

import numpy as np

from cyclegan_keras.files.errors import TranslationError

# Code points of ITU-T H.273, which are also the numbers of FFmpeg.
BT709, UNSPECIFIED, FCC, BT470BG, SMPTE170M, SMPTE240M = 1, 2, 4, 5, 6, 7  # matrices
BT2020 = 9  # a matrix, and primaries
P3_D65 = 12  # primaries
SRGB_TRANSFER, PQ, HLG = 13, 16, 18
LIMITED, FULL = 1, 2  # ranges, in FFmpeg's numbers

# The part of red and of blue in luma, by the code point of the matrix.
LUMA = {
    BT709: (0.2126, 0.0722),
    FCC: (0.30, 0.11),
    BT470BG: (0.299, 0.114),
    SMPTE170M: (0.299, 0.114),
    SMPTE240M: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
}
# FFmpeg's numbers of conversions to RGB. That of BT.2020 is missing in av 17.
CONVERSIONS = {BT709: 1, FCC: 4, BT470BG: 5, SMPTE170M: 5, SMPTE240M: 7}
UNREADABLE_MATRICES = {
    8: "YCgCo",
    10: "BT.2020 with constant luminance",
    11: "SMPTE 2085",
    13: "constant luminance",
    14: "ICtCp",
    15: "IPT-C2",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
UNREADABLE_TRANSFERS = {
    8: "linear light",
    9: "a logarithm (100 : 1)",
    10: "a logarithm (316 : 1)",
    17: "SMPTE 428-1 (digital cinema)",
}
HD_LINES = 720  # from there on players take untagged colors for BT.709, below for BT.601

REFERENCE_WHITE = 203.0  # cd/m2 of diffuse white in HDR, ITU-R BT.2408
SDR_GAMMA = 2.4  # of displays, ITU-R BT.1886
PQ_PEAK = 10000.0  # cd/m2 of the signal 1, ITU-R BT.2100
HLG_PEAK = 1000.0  # cd/m2 of the display for which BT.2100 gives this gamma of the whole system:
HLG_SYSTEM_GAMMA = 1.2
ROWS = 64  # converted at a time, so that they stay in the cache of a processor

# Chromaticities x, y of red, green, blue. The white of all is D65.
CHROMATICITIES = {
    BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    P3_D65: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
D65 = (0.3127, 0.3290)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Colors:
    """How the numbers of a frame are coded.

    Attributes:
        matrix: between RGB and luma with chroma, a code point of ITU-T H.273.
        primaries: a code point; UNSPECIFIED where nothing says.
        transfer: a code point; UNSPECIFIED where nothing says.
        range: FULL where the numbers use all of their bits, else LIMITED.
    """

    matrix: int
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    range: int = LIMITED

    @property
    def is_hdr(self) -> bool:
        """Whether it is brighter than white on paper: PQ or HLG."""
        return self.transfer in (PQ, HLG)

    @property
    def is_converted(self) -> bool:
        """Whether `rgb_of` converts it to BT.709, because the colors of pictures differ from it."""
        return self.is_hdr or self.primaries in (BT2020, P3_D65)

    @property
    def conversion(self) -> int:
        """FFmpeg's number of the conversion between the matrix and RGB; not for BT.2020."""
        return CONVERSIONS[self.matrix]

    @property
    def written(self) -> "Colors":
        """The colors of the translated video."""
        if self.is_converted:
            return BT709_COLORS
        matrix = BT709 if self.matrix == BT2020 else self.matrix
        return dataclasses.replace(self, matrix=matrix, range=LIMITED)

    @property
    def sentence(self) -> str:
        """Says what is converted, for people; empty where nothing is."""
        if not self.is_converted:
            return ""
        names = {PQ: "HDR (PQ)", HLG: "HDR (HLG)"}
        name = names.get(self.transfer, "a wide gamut")
        return f"is {name}: it is converted to BT.709 of standard dynamic range, and written so."


BT709_COLORS = Colors(matrix=BT709, primaries=BT709, transfer=BT709)
SRGB_COLORS = Colors(matrix=BT709, primaries=BT709, transfer=SRGB_TRANSFER)


def colors_of(frame, context, name: str) -> Colors:
    """Reads the tags of a frame, or those of its stream where the frame has none.

    Args:
        frame: an av.VideoFrame.
        context: the codec context of its stream.
        name: of the file, for messages.

    Raises:
        TranslationError: the tags name a coding that cannot be read.
    """
    matrix = _tag(frame.colorspace, context.colorspace)
    primaries = _tag(frame.color_primaries, context.color_primaries)
    transfer = _tag(frame.color_trc, context.color_trc)
    unreadable = UNREADABLE_MATRICES.get(matrix) or UNREADABLE_TRANSFERS.get(transfer)
    if unreadable:
        raise TranslationError(
            f"{name} codes its colors by {unreadable}, which cannot be read here: convert it to "
            "BT.709, PQ or HLG first."
        )
    if matrix not in LUMA:
        matrix = _guessed_matrix(primaries, transfer, frame.height)
    if primaries == UNSPECIFIED and (matrix == BT2020 or transfer in (PQ, HLG)):
        primaries = BT2020  # which these come with
    is_full = (frame.color_range or context.color_range) == FULL
    is_full = is_full or frame.format.name.startswith("yuvj")  # an older way to say so
    return Colors(
        matrix=matrix,
        primaries=primaries,
        transfer=transfer,
        range=FULL if is_full else LIMITED,
    )


def rgb_of(frame, colors: Colors) -> np.ndarray:
    """Decodes a frame to RGB for a network.

    Args:
        frame: an av.VideoFrame.
        colors: what its numbers mean.

    Returns:
        (height, width, 3) of 0 to white: uint16 where the frame has more than 8 bits or is
        converted to BT.709, else uint8.
    """
    bits = max(component.bits for component in frame.format.components)
    if bits <= 8 and not colors.is_converted and colors.matrix in CONVERSIONS:
        return frame.to_ndarray(format="rgb24", src_colorspace=colors.conversion)
    has_chroma = len(frame.format.components) >= 3
    if frame.format.is_rgb or not has_chroma:
        rgb = frame.to_ndarray(format="rgb48le")
        return to_bt709(rgb, colors) if colors.is_converted else rgb
    planes = frame.to_ndarray(format="yuv444p16le")  # the numbers stay, as the upper bits of 16
    rgb = np.empty(planes.shape, np.uint16)
    for top in range(0, len(rgb), ROWS):
        rows = slice(top, top + ROWS)
        rgb[rows] = _rgb_of_planes(planes[rows], bits, colors)
        if colors.is_converted:
            rgb[rows] = to_bt709(rgb[rows], colors)
    return rgb


def to_bt709(rgb: np.ndarray, colors: Colors) -> np.ndarray:
    """Converts RGB of HDR or of a wide gamut to BT.709.

    Diffuse white of HDR becomes white. Colors that BT.709 holds stay what they are; what is
    brighter or more saturated moves towards the gray of the same luminance, so that highlights
    become white without changing their hue.

    Args:
        rgb: uint16 (height, width, 3), 65535 being the signal 1.
        colors: what the numbers mean.

    Returns:
        uint16 of the same shape, 65535 being white.
    """
    light = np.take(_light_of_signals(colors.transfer), np.moveaxis(rgb, -1, 0))
    primaries = colors.primaries if colors.primaries in CHROMATICITIES else BT709
    if colors.transfer == HLG:
        scene_luminance = _weighted_sum(_luminance_of(primaries), light)
        gain = scene_luminance ** np.float32(HLG_SYSTEM_GAMMA - 1)  # the OOTF of BT.2100
        light *= gain * np.float32(HLG_PEAK / REFERENCE_WHITE)
    if primaries != BT709:
        light = np.stack([_weighted_sum(row, light) for row in _to_bt709_primaries(primaries)])
    light = _moved_into_gamut(light)
    # The table is indexed by the square root of light, because dark signals need fine steps.
    steps = np.sqrt(light, out=light)
    steps *= 65535
    steps += 0.5
    signals = np.take(_signals_of_root_light(), steps.astype(np.uint16))
    return np.moveaxis(signals, 0, -1)


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Returns uint8 of uint8 or uint16; white stays white."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def pq_to_light(signal: np.ndarray) -> np.ndarray:
    """Returns cd/m2 of a PQ signal in [0, 1]: the EOTF of SMPTE ST 2084 and BT.2100.

    Example:
        >>> round(float(pq_to_light(np.array(0.58069))), 1)  # diffuse white is a signal of 58 %
        203.0
    """
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = signal ** (1 / m2)
    return PQ_PEAK * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def hlg_to_scene(signal: np.ndarray) -> np.ndarray:
    """Returns the light of the scene in [0, 1] of an HLG signal: the inverse OETF of BT.2100.

    Example:
        >>> scene = float(hlg_to_scene(np.array(0.75)))  # diffuse white is a signal of 75 %
        >>> round(HLG_PEAK * scene**HLG_SYSTEM_GAMMA)
        203
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _tag(*code_points: Any) -> int:
    """The first tag that says something."""
    for code_point in code_points:
        if code_point not in (None, UNSPECIFIED):
            return int(code_point)
    return UNSPECIFIED


def _guessed_matrix(primaries: int, transfer: int, height: int) -> int:
    """The matrix that players assume where none is named."""
    if primaries == BT2020 or transfer in (PQ, HLG):
        return BT2020
    return BT709 if height >= HD_LINES else SMPTE170M


def _rgb_of_planes(planes: np.ndarray, bits: int, colors: Colors) -> np.ndarray:
    """Converts luma and chroma to RGB as ITU-T H.273 says.

    Args:
        planes: uint16 (height, width, Y Cb Cr), the upper `bits` of them used.
        bits: of the video.
        colors: matrix and range.

    Returns:
        uint16 of the same shape, 65535 being the signal 1.
    """
    if colors.range == FULL:
        black, white = 0, (2**bits - 1) << (16 - bits)
        chroma_span = white
    else:
        black, white = 16 << 8, 235 << 8
        chroma_span = 224 << 8
    red_part, blue_part = LUMA[colors.matrix]
    green_part = 1 - red_part - blue_part
    luma = (planes[..., 0] - np.float32(black)) / np.float32(white - black)
    blue_difference = (planes[..., 1] - np.float32(1 << 15)) / np.float32(chroma_span)
    red_difference = (planes[..., 2] - np.float32(1 << 15)) / np.float32(chroma_span)
    signals = np.empty(planes.shape, np.float32)
    red = luma + np.float32(2 * (1 - red_part)) * red_difference
    blue = luma + np.float32(2 * (1 - blue_part)) * blue_difference
    signals[..., 0] = red
    signals[..., 1] = (luma - np.float32(red_part) * red - np.float32(blue_part) * blue) / (
        np.float32(green_part)
    )
    signals[..., 2] = blue
    signals *= 65535
    signals += 0.5
    return np.clip(signals, 0, 65535, out=signals).astype(np.uint16)


@functools.cache
def _light_of_signals(transfer: int) -> np.ndarray:
    """Light by the 16 bits of its signal: 1 is diffuse white; for HLG, of the scene."""
    signal = np.arange(65536) / 65535
    if transfer == PQ:
        light = pq_to_light(signal) / REFERENCE_WHITE
    elif transfer == HLG:
        light = hlg_to_scene(signal)
    else:
        light = signal**SDR_GAMMA
    return light.astype(np.float32)


@functools.cache
def _signals_of_root_light() -> np.ndarray:
    """The 16 bits of a signal by the square root of its light."""
    root = np.arange(65536) / 65535
    return np.rint(65535 * root ** (2 / SDR_GAMMA)).astype(np.uint16)


@functools.cache
def _to_bt709_primaries(primaries: int) -> np.ndarray:
    to_xyz = _to_xyz(CHROMATICITIES[primaries])
    from_xyz = np.linalg.inv(_to_xyz(CHROMATICITIES[BT709]))
    return (from_xyz @ to_xyz).astype(np.float32)


@functools.cache
def _luminance_of(primaries: int) -> np.ndarray:
    """How much red, green and blue add to the luminance, such as 0.2126, 0.7152, 0.0722."""
    return _to_xyz(CHROMATICITIES[primaries])[1].astype(np.float32)


def _to_xyz(chromaticities) -> np.ndarray:
    """The matrix from RGB to CIE XYZ of which white is D65 of luminance 1 (SMPTE RP 177)."""
    columns = np.array([_xyz(point) for point in chromaticities]).T
    return columns * np.linalg.solve(columns, _xyz(D65))


def _xyz(point: tuple[float, float]) -> np.ndarray:
    """CIE XYZ of a chromaticity x, y at luminance 1."""
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _weighted_sum(weights: np.ndarray, light: np.ndarray) -> np.ndarray:
    red, green, blue = light
    return weights[0] * red + weights[1] * green + weights[2] * blue


def _moved_into_gamut(light: np.ndarray) -> np.ndarray:
    """Moves light outside [0, 1] towards the gray of its luminance.

    Along the line from gray to a color, hue and luminance stay (in linear light), and only as much
    saturation goes as BT.709 cannot show. At or above the luminance of white there is only white.

    Args:
        light: float32 (red green blue, height, width).

    Returns:
        The same shape, in [0, 1].
    """
    red, green, blue = light
    low = np.minimum(np.minimum(red, green), blue)
    high = np.maximum(np.maximum(red, green), blue)
    if low.min() >= 0 and high.max() <= 1:
        return light
    gray = np.clip(_weighted_sum(_luminance_of(BT709), light), 0, 1)
    smallest = np.float32(1e-6)  # instead of no difference, by which nothing can be divided
    kept = np.minimum((1 - gray) / np.maximum(high - gray, smallest), 1)
    kept = np.minimum(gray / np.maximum(gray - low, smallest), kept)
    inside = (low >= 0) & (high <= 1)
    kept[inside] = 1  # exactly: grays are not to be rounded
    moved = gray + kept * (light - gray)
    return np.clip(moved, 0, 1, out=moved)
