// The 8-bit levels of pictures and the network's numbers in [-1, 1], to the last bit of float32.

const NUMBERS = Float32Array.from({ length: 256 }, (_, level) => Math.fround(level / 127.5) - 1);

/**
 * The rows of a picture as numbers in [-1, 1].
 *
 * @param {{data: Uint8ClampedArray, height: number, width: number}} picture RGBA; opacity is not looked at
 * @param {number} channels 3, or 1 for its luma
 * @returns {import("./resample.js").Rows}
 */
export function rowsOfPicture(picture, channels) {
  const { data, height, width } = picture;
  return {
    height,
    width,
    channels,
    readRow(y, row) {
      let from = 4 * y * width;
      let at = 0;
      for (let x = 0; x < width; x++) {
        if (channels === 1) {
          row[at] = NUMBERS[luma(data[from], data[from + 1], data[from + 2])];
        } else {
          row[at] = NUMBERS[data[from]];
          row[at + 1] = NUMBERS[data[from + 1]];
          row[at + 2] = NUMBERS[data[from + 2]];
        }
        at += channels;
        from += 4;
      }
    },
  };
}

/**
 * Writes a row of numbers into a picture: clipped, and rounded half to even.
 *
 * @param {{data: Uint8ClampedArray, width: number}} picture RGBA; becomes opaque
 * @param {number} y the row
 * @param {Float32Array} row numbers of width pixels
 * @param {number} channels 3, or 1 for gray
 */
export function writeLevels(picture, y, row, channels) {
  const { data, width } = picture;
  let at = 4 * y * width;
  let from = 0;
  for (let x = 0; x < width; x++) {
    // Arrays of this kind clip, and round half to even.
    if (channels === 1) {
      data[at] = toLevel(row[from]);
      data[at + 1] = data[at];
      data[at + 2] = data[at];
    } else {
      data[at] = toLevel(row[from]);
      data[at + 1] = toLevel(row[from + 1]);
      data[at + 2] = toLevel(row[from + 2]);
    }
    data[at + 3] = 255;
    at += 4;
    from += channels;
  }
}

/**
 * Numbers in [-1, 1] as levels, for networks that take 8 bits.
 *
 * @param {Float32Array} numbers
 * @returns {Uint8Array} of the same length
 */
export function levelsOfNumbers(numbers) {
  const levels = new Uint8ClampedArray(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    levels[i] = toLevel(numbers[i]);
  }
  return new Uint8Array(levels.buffer);
}

/**
 * Levels as numbers in [-1, 1], from networks that give 8 bits.
 *
 * @param {Uint8Array} levels
 * @returns {Float32Array} of the same length
 */
export function numbersOfLevels(levels) {
  const numbers = new Float32Array(levels.length);
  for (let i = 0; i < levels.length; i++) {
    numbers[i] = NUMBERS[levels[i]];
  }
  return numbers;
}

/**
 * Gives gray numbers as colors, or the luma of colors.
 *
 * @param {Float32Array} numbers (pixels, channels)
 * @param {number} channels 1 or 3
 * @param {number} newChannels 1 or 3
 * @returns {Float32Array} (pixels, newChannels)
 */
export function withChannels(numbers, channels, newChannels) {
  if (channels === newChannels) {
    return numbers;
  }
  const pixels = numbers.length / channels;
  const result = new Float32Array(pixels * newChannels);
  for (let i = 0; i < pixels; i++) {
    if (newChannels === 1) {
      result[i] = 0.299 * numbers[3 * i] + 0.587 * numbers[3 * i + 1] + 0.114 * numbers[3 * i + 2];
    } else {
      result.fill(numbers[i], 3 * i, 3 * i + 3);
    }
  }
  return result;
}

/** Returns the gray of a color: the luma of Rec. 601 in units of 2 ** -16, as everywhere in this project. */
function luma(red, green, blue) {
  return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

/** Returns the level of a number in [-1, 1] before it is rounded. */
function toLevel(number) {
  return Math.fround(Math.fround(number + 1) * 127.5);
}
