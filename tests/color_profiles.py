"""Color profiles made from the definitions of their color spaces, and matrices of these."""

import struct

import numpy as np
from PIL import Image, ImageCms

D65 = (0.3127, 0.3290)
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def xyz_of(x, y):
    return np.array([x / y, 1.0, (1 - x - y) / y])


def xyz_matrix(red, green, blue):
    """XYZ of linear red, green and blue, whose sum is white D65."""
    columns = np.stack([xyz_of(*red), xyz_of(*green), xyz_of(*blue)], axis=-1)
    return columns * np.linalg.solve(columns, xyz_of(*D65))


XYZ_OF_SRGB = xyz_matrix((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
XYZ_OF_P3 = xyz_matrix((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))


def profile_of(matrix):
    """The profile of an RGB color space with the curve of sRGB, and these primaries."""
    gains = (BRADFORD @ D50) / (BRADFORD @ xyz_of(*D65))
    adapted = np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD @ matrix
    data = bytearray(SRGB)
    (count,) = struct.unpack_from(">I", data, 128)
    for number in range(count):
        name, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * number)
        if name in (b"rXYZ", b"gXYZ", b"bXYZ"):
            column = adapted[:, b"rgb".index(name[:1])]
            fixed = np.rint(column * 65536).astype(int).tolist()
            struct.pack_into(">3i", data, offset + 8, *fixed)
    data[84:100] = bytes(16)  # the checksum
    return bytes(data)


DISPLAY_P3 = profile_of(XYZ_OF_P3)


def decoded(levels):
    """Linear light of levels of sRGB in [0, 1]."""
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def encoded(linear):
    """Levels of sRGB in [0, 1] of linear light; what is outside is clipped."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_of_p3(levels):
    """Levels of sRGB in [0, 1] that look like these of Display P3."""
    return encoded(decoded(levels) @ (np.linalg.inv(XYZ_OF_SRGB) @ XYZ_OF_P3).T)


def p3_of_srgb(levels):
    """Levels of Display P3 in [0, 1] that look like these of sRGB."""
    return encoded(decoded(levels) @ (np.linalg.inv(XYZ_OF_P3) @ XYZ_OF_SRGB).T)


def cmyk_profile(colors):
    """The profile of a press whose full inks print these colors.

    Args:
        colors: uint8 (2, 2, 2, 2, 3), sRGB of the corners of cyan, magenta, yellow and black.
    """
    to_lab = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    corners = Image.fromarray(np.asarray(colors, "uint8").reshape(1, 16, 3))
    lab = ImageCms.profileToProfile(corners, *to_lab, outputMode="LAB", renderingIntent=1)
    lightness, a, b = (np.asarray(band) for band in lab.split())
    table = np.stack([lightness, a, b], axis=-1)
    identity = [65536, 0, 0, 0, 65536, 0, 0, 0, 65536]
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9i", *identity)
    lut += bytes(range(256)) * 4 + table.tobytes() + bytes(range(256)) * 3
    white = b"XYZ " + bytes(4) + struct.pack(">3i", *np.rint(D50 * 65536).astype(int).tolist())
    offset = 128 + 4 + 2 * 12
    tags = struct.pack(">I", 2)
    tags += b"wtpt" + struct.pack(">II", offset, len(white))
    tags += b"A2B0" + struct.pack(">II", offset + len(white), len(lut))
    body = tags + white + lut
    header = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab "
    )
    header += bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", *np.rint(D50 * 65536).astype(int).tolist())
    return header.ljust(128, b"\0") + body
