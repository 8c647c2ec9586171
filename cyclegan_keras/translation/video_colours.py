"""What the colours of a video's frames mean, in FFmpeg's numbers."""

BT709, BT601, SMPTE240M, BT2020 = 1, 5, 7, 9  # conversions to RGB, of its scaler ...
MATRICES = {1: BT709, 5: BT601, 6: BT601, 7: SMPTE240M, 9: BT2020, 10: BT2020}  # ... by tag
HD_LINES = 720  # from there on players take untagged colours for BT.709, below for BT.601
LIMITED = 1  # the range 16 to 235 that players expect


def tag(frame) -> int:
    """Returns a frame's tag, guessed as players do where it has none."""
    if frame.colorspace in MATRICES:
        return int(frame.colorspace)
    return 1 if frame.height >= HD_LINES else 6


def matrix(frame) -> int:
    """Returns the conversion between a frame and RGB."""
    return MATRICES[tag(frame)]
