"""Reads a picture file inside a TensorFlow graph, with the pixels that the Python reader gives.

What `images.reading` and `Form.array` do in Python is done here by operations of TensorFlow: the
orientation, transparency over white, gray and the scale of 8 and 16 bits, in the same integers. A
file that would come out otherwise is refused, by its name.
"""

import functools

import tensorflow as tf

from cyclegan_keras.export.graph_bytes import ONE_COPY, part, uint
from cyclegan_keras.export.graph_colors import can_convert, to_srgb
from cyclegan_keras.images.channels import LUMA_UNITS
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import Values

CHANNELS = (1, 2, 3, 4)  # that a PNG can hold
DTYPES = ("uint8", "uint16")

# How a file of each kind begins: (first byte, bytes).
_DECODED = {
    "JPEG": ((0, b"\xff\xd8\xff"),),
    "PNG": ((0, b"\x89PNG\r\n\x1a\n"),),
    "GIF": ((0, b"GIF8"),),
    "BMP": ((0, b"BM"),),
}
# Of several that fit, the last one names the file.
_REFUSED = (
    ("a video", ((4, b"ftyp"),)),
    ("a video", ((0, b"\x1a\x45\xdf\xa3"),)),
    ("HEIC", ((4, b"ftyphe"),)),
    ("HEIC", ((4, b"ftypmif1"),)),
    ("HEIC", ((4, b"ftypmsf1"),)),
    ("AVIF", ((4, b"ftypavi"),)),
    ("WebP", ((0, b"RIFF"), (8, b"WEBP"))),
    ("TIFF", ((0, b"II*\0"),)),
    ("TIFF", ((0, b"MM\0*"),)),
    ("TIFF", ((0, b"II+\0"),)),
    ("JPEG 2000", ((0, b"\0\0\0\x0cjP  "),)),
    ("JPEG XL", ((0, b"\xff\x0a"),)),
    ("JPEG XL", ((0, b"\0\0\0\x0cJXL "),)),
    ("Photoshop", ((0, b"8BPS"),)),
    ("OpenEXR", ((0, b"\x76\x2f\x31\x01"),)),
    ("DICOM", ((128, b"DICM"),)),
    ("a NumPy array", ((0, b"\x93NUMPY"),)),
    ("PDF", ((0, b"%PDF"),)),
)
# Where the headers of other formats than JPEG hold two sides of their picture: (first byte, bytes,
# little endian).
_SIDES = {
    "PNG": ((16, 4, False), (20, 4, False)),
    "GIF": ((6, 2, True), (8, 2, True)),
    "BMP": ((18, 4, True), (22, 4, True)),
}
_SHORTEST = 26  # bytes that the header of any of these kinds has
_NOT_DECODED = "which this model does not decode: send PNG or JPEG."
# So many parts of a file are looked at, so that none can be made to keep the server busy.
_MOST_SEGMENTS = 1000  # of a JPEG or GIF, and entries of EXIF
_MOST_CHUNKS = 2**14  # of a PNG, whose pixels may lie in thousands
_LONGEST_PROFILE = 2**17  # bytes of a compressed one; it may grow a thousandfold
_XMP = b"http://ns.adobe.com/xap/1.0/\0"  # how such a segment of a JPEG begins
_PNG_XMP = b"XML:com.adobe.xmp\0\0"  # and such a chunk of a PNG, uncompressed
_ORIENTATION_TAG = 0x0112
_LONG = 4  # the type of 32-bit numbers in EXIF
_STRING = tf.TensorSpec((), tf.string)
_NUMBER = tf.TensorSpec((), tf.int32)
_UPRIGHT = 1  # the orientation of pixels that need no turn


def can_hold(form: Form) -> bool:
    """Returns whether PNG files can hold pictures of a form."""
    return form.values.dtype in DTYPES and form.channels in CHANNELS


def read_picture(contents: tf.Tensor, number: tf.Tensor, form: Form, most_pixels: int) -> tf.Tensor:
    """Reads one file as a generator wants it.

    Args:
        contents: string, the file.
        number: of the file in its batch, for messages.
        form: of pictures to translate, one that `can_hold` agrees to.
        most_pixels: larger pictures are refused before they are decoded.

    Returns:
        float32 (height, width, channels) in [-1, 1], upright.

    Raises:
        InvalidArgumentError: where the graph runs: a file that is damaged, too large, of another
            kind, or of other channels.
    """
    return _reader(form, most_pixels)(contents, number)


@functools.lru_cache(maxsize=8)
def _reader(form: Form, most_pixels: int):
    """Returns the function of `read_picture`; both directions of a model share one."""

    @tf.function(input_signature=[_STRING, _NUMBER], **ONE_COPY)
    def read(contents, number):
        return _read(contents, number, form, most_pixels)

    return read


def _read(contents, number, form, most_pixels):
    contents, is_kind = _known(contents, number)
    sides = tf.case(
        [
            (is_kind["JPEG"], lambda: tf.cast(tf.image.extract_jpeg_shape(contents), tf.int64)[:2]),
            *[
                (is_kind[name], lambda fields=fields: _sides(contents, fields))
                for name, fields in _SIDES.items()
            ],
        ]
    )
    with tf.control_dependencies([check_pixels(sides[0] * sides[1], number, most_pixels)]):
        contents = tf.identity(contents)
    decoded = tf.case(
        [
            (is_kind["JPEG"], lambda: _read_jpeg(contents, number, form)),
            (is_kind["PNG"], lambda: _read_png(contents, number, form)),
            (is_kind["GIF"], lambda: _read_gif(contents, number, form)),
            (is_kind["BMP"], lambda: _read_bmp(contents, number, form)),
        ]
    )
    image = _finish(*decoded, form)
    return tf.ensure_shape(image, (None, None, form.channels))


def check_pixels(pixels: tf.Tensor, number: tf.Tensor | int, most: int) -> tf.Operation:
    """Returns an operation that refuses a picture without pixels, or with more than `most`."""
    pixels = tf.cast(pixels, tf.int64)
    message = _sentence(
        number, " has ", tf.strings.as_string(pixels), f" pixels, expected 1 to {most}."
    )
    return tf.debugging.Assert((pixels >= 1) & (pixels <= most), [message])


def to_network(numbers: tf.Tensor, values: Values) -> tf.Tensor:
    """Maps uint8 or uint16 numbers to float32 in [-1, 1], as `Values.to_network` does."""
    floats = tf.cast(numbers, tf.float32)
    if values.is_eight_bit:
        return floats / 127.5 - 1
    scaled = (floats - values.low) / ((values.high - values.low) / 2) - 1
    return tf.clip_by_value(scaled, -1, 1)


def from_network(floats: tf.Tensor, values: Values) -> tf.Tensor:
    """Maps floats in [-1, 1] to numbers of `values.dtype`, as `Values.from_network` does."""
    exact = tf.float32 if values.low == 0 else tf.float64
    floats = tf.cast(tf.clip_by_value(floats, -1, 1), exact)
    numbers = (floats + 1) * ((values.high - values.low) / 2) + values.low
    return tf.saturate_cast(tf.round(numbers), values.dtype)


# ---- what kind of file ----


def _known(contents, number):
    """Refuses files of other kinds; returns the contents, and whether they are of each kind."""
    is_kind = {name: _begins(contents, marks) for name, marks in _DECODED.items()}
    message = _sentence(number, " is no JPEG, PNG, GIF or BMP file.")
    for name, marks in _REFUSED:
        refusal = _sentence(number, f" is {name}, {_NOT_DECODED}")
        message = tf.where(_begins(contents, marks), refusal, message)
    known = tf.reduce_any(list(is_kind.values())) & (tf.strings.length(contents) >= _SHORTEST)
    return _unless(known, message, contents), is_kind


def _begins(contents, marks):
    return tf.reduce_all([part(contents, start, len(mark)) == mark for start, mark in marks])


def _sides(contents, fields):
    sides = [uint(contents, start, size, little) for start, size, little in fields]
    # A BMP from top to bottom has a negative height.
    return tf.stack([tf.where(side >= 2**31, 2**32 - side, side) for side in sides])


# ---- JPEG ----


def _read_jpeg(contents, number, form):
    components = tf.image.extract_jpeg_shape(contents)[2]
    message = _sentence(number, f" is a CMYK JPEG, {_NOT_DECODED}")
    contents = _unless(components != 4, message, contents)
    exif, xmp, profile = _jpeg_segments(contents)
    is_gray = components == 1
    contents = _convertible(profile, is_gray, number, contents)
    pixels = tf.io.decode_jpeg(
        contents, channels=3, dct_method="INTEGER_ACCURATE", fancy_upscaling=True
    )
    pixels = _unless(form.channels in (1, 3), _channels_sentence(number, components, form), pixels)
    white = tf.constant(255, tf.int64)
    pixels = _in_srgb(tf.cast(pixels, tf.int64), white, profile, is_gray)
    return pixels, white, _orientation(exif, xmp)


def _jpeg_segments(contents):
    """Returns EXIF data, XMP data and the color profile of a JPEG, empty where it has none."""
    length = tf.cast(tf.strings.length(contents), tf.int64)
    start_of_scan, end_of_image = 0xDA, 0xD9

    def goes_on(position, *_):
        marker = uint(contents, position + 1, 1)
        is_marker = uint(contents, position, 1) == 0xFF
        is_before_pixels = (marker != start_of_scan) & (marker != end_of_image)
        return (position + 4 <= length) & is_marker & is_before_pixels

    def step(position, exif, xmp, profile):
        marker = uint(contents, position + 1, 1)
        size = uint(contents, position + 2, 2)
        content = part(contents, position + 4, size - 2)
        is_exif = (marker == 0xE1) & (part(content, 0, 6) == b"Exif\0\0") & (exif == b"")
        exif = tf.where(is_exif, part(content, 6, size), exif)
        is_xmp = (marker == 0xE1) & (part(content, 0, len(_XMP)) == _XMP)
        xmp = tf.where(is_xmp, content, xmp)
        # A long profile lies in several segments, which count themselves in two bytes.
        is_profile = (marker == 0xE2) & (part(content, 0, 12) == b"ICC_PROFILE\0")
        profile = tf.cond(is_profile, lambda: profile + part(content, 14, size), lambda: profile)
        is_fill = marker == 0xFF
        length_of_segment = tf.where(is_fill, tf.constant(1, tf.int64), 2 + tf.maximum(size, 2))
        return position + length_of_segment, exif, xmp, profile

    start = (tf.constant(2, tf.int64), tf.constant(b""), tf.constant(b""), tf.constant(b""))
    _, exif, xmp, profile = tf.while_loop(goes_on, step, start, maximum_iterations=_MOST_SEGMENTS)
    return exif, xmp, profile


# ---- PNG ----


def _read_png(contents, number, form):
    bit_depth = uint(contents, 24, 1)
    color_type = uint(contents, 25, 1)
    exif, xmp, compressed_profile, is_keyed = _png_chunks(contents)
    has_alpha = is_keyed | (color_type == 4) | (color_type == 6)
    is_gray = (color_type == 0) | (color_type == 4)
    is_short = tf.strings.length(compressed_profile) <= _LONGEST_PROFILE
    compressed_profile = _unless(is_short, _profile_sentence(number), compressed_profile)
    profile = _png_profile(compressed_profile)
    contents = _convertible(profile, is_gray, number, contents)

    def numbers_of(dtype):
        return tf.cast(tf.io.decode_png(contents, channels=4, dtype=dtype), tf.int64)

    is_deep = bit_depth == 16
    numbers = tf.cond(is_deep, lambda: numbers_of(tf.uint16), lambda: numbers_of(tf.uint8))
    white = tf.where(is_deep, tf.constant(65535, tf.int64), 255)
    colors = _in_srgb(numbers[..., :3], white, profile, is_gray)
    alpha = numbers[..., 3:]
    if form.channels in (1, 3):
        # The alpha of pictures that have none is wrong below 8 bits.
        pixels = tf.cond(has_alpha, lambda: _over_white(colors, alpha, white), lambda: colors)
    else:
        bands = 3 if form.channels == 4 else 1
        fits = has_alpha & (is_gray == (bands == 1))
        own = tf.where(is_gray, 1, 3)
        message = _channels_sentence(number, own, form)
        pixels = tf.concat([_unless(fits, message, colors)[..., :bands], alpha], axis=-1)
    return pixels, white, _orientation(exif, xmp)


def _png_chunks(contents):
    """Returns EXIF, XMP, the chunk of the color profile, and whether a color is transparent."""
    length = tf.cast(tf.strings.length(contents), tf.int64)

    def goes_on(position, *_):
        return (position + 12 <= length) & (part(contents, position + 4, 4) != b"IEND")

    def step(position, exif, xmp, profile, is_keyed):
        size = uint(contents, position, 4)
        name = part(contents, position + 4, 4)

        def content():
            return part(contents, position + 8, size)

        is_xmp = (name == b"iTXt") & (part(contents, position + 8, len(_PNG_XMP)) == _PNG_XMP)
        exif = tf.cond((name == b"eXIf") & (exif == b""), content, lambda: exif)
        xmp = tf.cond(is_xmp, content, lambda: xmp)
        profile = tf.cond(name == b"iCCP", content, lambda: profile)
        return position + 12 + size, exif, xmp, profile, is_keyed | (name == b"tRNS")

    first_chunk = tf.constant(8, tf.int64)
    nothing = tf.constant(b"")
    start = (first_chunk, nothing, nothing, nothing, tf.constant(False))
    _, exif, xmp, profile, is_keyed = tf.while_loop(
        goes_on, step, start, maximum_iterations=_MOST_CHUNKS
    )
    return exif, xmp, profile, is_keyed


def _png_profile(chunk):
    """Decompresses the content of an iCCP chunk: a name, two zeros, zlib data."""

    def decompress():
        name = tf.strings.split(chunk, b"\0")[0]
        data = part(chunk, tf.strings.length(name) + 2, tf.strings.length(chunk))
        return tf.io.decode_compressed(data, "ZLIB")

    return tf.cond(tf.strings.length(chunk) > 0, decompress, lambda: tf.constant(b""))


# ---- GIF and BMP ----


def _read_gif(contents, number, form):
    message = _sentence(number, f" is a GIF with transparency, {_NOT_DECODED}")
    contents = _unless(_gif_is_opaque(contents), message, contents)
    pixels = tf.io.decode_image(contents, channels=3, expand_animations=False)
    pixels = _unless(form.channels in (1, 3), _channels_sentence(number, 3, form), pixels)
    return _plain(pixels)


def _gif_is_opaque(contents):
    """Returns whether the first frame of a GIF fills its canvas, with no transparent color."""
    length = tf.cast(tf.strings.length(contents), tf.int64)
    flags = uint(contents, 10, 1)
    table = tf.where(
        flags >= 128, 3 * tf.bitwise.left_shift(tf.constant(2, tf.int64), flags % 8), 0
    )
    extension, graphic_control = 0x21, 0xF9

    def is_extension(position, _):
        return (position + 8 <= length) & (uint(contents, position, 1) == extension)

    def step(position, found):
        is_control = uint(contents, position + 1, 1) == graphic_control
        is_transparent = is_control & (uint(contents, position + 3, 1) % 2 == 1)
        # Blocks follow, each of which begins with its size; the last one has the size 0.
        (last,) = tf.while_loop(
            lambda block: uint(contents, block, 1) > 0,
            lambda block: (block + 1 + uint(contents, block, 1),),
            (position + 2,),
            maximum_iterations=_MOST_SEGMENTS,
        )
        return last + 1, found | is_transparent

    frame, is_transparent = tf.while_loop(
        is_extension,
        step,
        (13 + table, tf.constant(False)),
        maximum_iterations=_MOST_SEGMENTS,
    )
    # A frame begins with a mark, its left upper corner and its size.
    is_at_corner = part(contents, frame + 1, 4) == b"\0\0\0\0"
    has_size_of_canvas = part(contents, frame + 5, 4) == part(contents, 6, 4)
    return ~is_transparent & is_at_corner & has_size_of_canvas


def _read_bmp(contents, number, form):
    header_size = uint(contents, 14, 4, little=True)
    bits = uint(contents, 28, 2, little=True)
    compression = uint(contents, 30, 4, little=True)
    is_plain = (header_size >= 40) & (compression == 0) & ((bits == 24) | (bits == 32))
    message = _sentence(number, f" is a BMP with a palette or compressed, {_NOT_DECODED}")
    contents = _unless(is_plain, message, contents)
    pixels = tf.io.decode_bmp(contents)[..., :3]
    pixels = _unless(form.channels in (1, 3), _channels_sentence(number, 3, form), pixels)
    return _plain(pixels)


def _plain(pixels):
    """Returns uint8 pixels that are upright and need no conversion, as the readers return them."""
    return tf.cast(pixels, tf.int64), tf.constant(255, tf.int64), tf.constant(_UPRIGHT, tf.int64)


# ---- color profiles and orientation ----


def _convertible(profile, is_gray, number, contents):
    """Refuses a picture whose color profile cannot be converted."""
    fits = ~_has_effect(profile, is_gray) | can_convert(profile, is_gray)
    return _unless(fits, _profile_sentence(number), contents)


def _in_srgb(pixels, white, profile, is_gray):
    """Converts int64 pixels to sRGB."""
    return tf.cond(
        _has_effect(profile, is_gray),
        lambda: to_srgb(pixels, white, profile, is_gray),
        lambda: pixels,
    )


def _has_effect(profile, is_gray):
    """A profile of colors has no effect on gray, nor one of gray on colors."""
    return part(profile, 16, 4) == tf.where(is_gray, "GRAY", "RGB ")


@tf.function(input_signature=[_STRING, _STRING], **ONE_COPY)
def _orientation(exif, xmp):
    """Returns the orientation in EXIF data, or else in XMP data; 1 where both have none."""
    in_exif = _orientation_in_exif(exif)
    return tf.cond(in_exif != 0, lambda: in_exif, lambda: _orientation_in_xmp(xmp))


def _orientation_in_xmp(xmp):
    """Returns the digit after the first `tiff:Orientation="` or `tiff:Orientation>`, or else 1."""
    parts = tf.strings.split(xmp, "tiff:Orientation")[1:]
    starts = tf.strings.substr(parts, 0, 3)
    is_number = tf.strings.regex_full_match(starts, '(="[0-9]|>[0-9].?)')
    digits = tf.strings.regex_replace(tf.boolean_mask(starts, is_number), "[^0-9]", "")
    first = tf.concat([tf.strings.substr(digits, 0, 1), ["1"]], axis=0)[0]
    return tf.strings.to_number(first, tf.int64)


def _orientation_in_exif(exif):
    """Returns the orientation in EXIF data, 0 where it has none or is damaged."""
    is_little = part(exif, 0, 2) == b"II"

    def number(data, start, size):
        little, big = uint(data, start, size, little=True), uint(data, start, size)
        return tf.where(is_little, little, big)

    is_tiff = (is_little | (part(exif, 0, 2) == b"MM")) & (number(exif, 2, 2) == 42)
    directory = number(exif, 4, 4)
    count = tf.where(is_tiff, number(exif, directory, 2), 0)
    entry_size = 12
    length = tf.cast(tf.strings.length(exif), tf.int64)
    count = tf.minimum(count, tf.maximum(length - directory - 2, 0) // entry_size)

    def step(index, orientation):
        entry = part(exif, directory + 2 + entry_size * index, entry_size)
        size = tf.where(number(entry, 2, 2) == _LONG, tf.constant(4, tf.int64), 2)
        value = tf.where(size == 4, number(entry, 8, 4), number(entry, 8, 2))
        is_it = number(entry, 0, 2) == _ORIENTATION_TAG
        return index + 1, tf.where(is_it, value, orientation)

    start = (tf.constant(0, tf.int64), tf.constant(0, tf.int64))
    _, orientation = tf.while_loop(
        lambda index, _: index < count, step, start, maximum_iterations=_MOST_SEGMENTS
    )
    return orientation


def _upright(pixels, orientation):
    """Turns (height, width, channels) as an EXIF orientation says."""

    def one_of(*codes):
        return tf.reduce_any([orientation == code for code in codes])

    swapped, mirrored, upside_down = one_of(5, 6, 7, 8), one_of(2, 3, 6, 7), one_of(3, 4, 7, 8)
    pixels = tf.cond(swapped, lambda: tf.transpose(pixels, (1, 0, 2)), lambda: pixels)
    pixels = tf.cond(mirrored, lambda: pixels[:, ::-1], lambda: pixels)
    return tf.cond(upside_down, lambda: pixels[::-1], lambda: pixels)


# ---- numbers ----


def _over_white(pixels, alpha, white):
    """Lays int64 pixels over white, as `Picture.over_white` does."""
    return (pixels * alpha + white * (white - alpha) + white // 2) // white


def _finish(numbers, white, orientation, form):
    """Turns int64 pixels upright, and scales and converts them as `Form.array` does."""
    numbers = _upright(numbers, orientation)
    is_deep = white == 65535
    if form.values.dtype == "uint8":
        numbers = tf.cond(is_deep, lambda: (numbers + 128) // 257, lambda: numbers)
    else:
        numbers = tf.cond(is_deep, lambda: numbers, lambda: numbers * 257)
    if form.channels == 1:
        units = tf.reduce_sum(numbers * tf.constant(LUMA_UNITS, tf.int64), axis=-1, keepdims=True)
        numbers = (units + 2**15) // 2**16
    return to_network(numbers, form.values)


# ---- sentences ----


def _sentence(number, *words):
    return tf.strings.join(["Picture ", tf.strings.as_string(number), *words])


def _profile_sentence(number):
    return _sentence(
        number,
        " has a color profile with tables, which this model does not convert: convert it to sRGB "
        "first.",
    )


def _channels_sentence(number, own, form):
    return _sentence(
        number, " has ", tf.strings.as_string(own), f" channels, expected {form.channels}."
    )


def _unless(condition, message, value):
    """Returns `value` where the condition holds, and fails with the message otherwise."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(value)
