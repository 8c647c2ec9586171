// Resizing as Pillow's BICUBIC does it, to the last bit of float32: the network was trained on pictures that
// were made smaller in this way, and a canvas makes others.

/**
 * Rows of a picture, which may be made only when they are read.
 *
 * @typedef {object} Rows
 * @property {number} height in pixels
 * @property {number} width in pixels
 * @property {number} channels of a pixel
 * @property {(y: number, row: Float32Array) => void} readRow fills a row of width * channels numbers
 */

/**
 * Resizes a picture, its width first and then its height.
 *
 * Memory holds the rows at their new width only, and the result is handed over row by row, so that a large
 * picture never lies there as floats.
 *
 * @param {Rows} source the picture
 * @param {number} height of the result, at least 1
 * @param {number} width of the result, at least 1
 * @param {(y: number, row: Float32Array) => void} writeRow takes each row of the result, from the top; the
 *   array is used again for the next one
 */
export function resample(source, height, width, writeRow) {
  const { channels } = source;
  const own = new Float32Array(source.width * channels);
  const horizontal = source.width === width ? null : bicubicWeights(source.width, width);
  if (source.height === height) {
    const wide = horizontal ? new Float32Array(width * channels) : own;
    for (let y = 0; y < height; y++) {
      source.readRow(y, own);
      if (horizontal) {
        resampleRow(own, channels, horizontal, wide);
      }
      writeRow(y, wide);
    }
    return;
  }

  const length = width * channels;
  const rows = new Float32Array(source.height * length);
  for (let y = 0; y < source.height; y++) {
    const row = rows.subarray(y * length, (y + 1) * length);
    if (horizontal) {
      source.readRow(y, own);
      resampleRow(own, channels, horizontal, row);
    } else {
      source.readRow(y, row);
    }
  }
  const vertical = bicubicWeights(source.height, height);
  const sums = new Float64Array(length);
  const result = new Float32Array(length);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k < vertical.counts[y]; k++) {
      const weight = vertical.weights[y * vertical.taps + k];
      const from = (vertical.starts[y] + k) * length;
      for (let i = 0; i < length; i++) {
        sums[i] += rows[from + i] * weight;
      }
    }
    result.set(sums);
    writeRow(y, result);
  }
}

/**
 * The rows of a picture that is an array already.
 *
 * @param {Float32Array} pixels (height, width, channels)
 * @param {number} height of the picture
 * @param {number} width of the picture
 * @param {number} channels of a pixel
 * @returns {Rows}
 */
export function rowsOfArray(pixels, height, width, channels) {
  const length = width * channels;
  return {
    height,
    width,
    channels,
    readRow(y, row) {
      row.set(pixels.subarray(y * length, (y + 1) * length));
    },
  };
}

/** Makes one row of another width. */
function resampleRow(row, channels, kernel, result) {
  const { starts, counts, weights, taps } = kernel;
  for (let x = 0; x < starts.length; x++) {
    const first = x * taps;
    for (let c = 0; c < channels; c++) {
      let at = starts[x] * channels + c;
      let sum = 0;
      for (let k = 0; k < counts[x]; k++) {
        sum += row[at] * weights[first + k];
        at += channels;
      }
      result[x * channels + c] = sum;
    }
  }
}

/** Which pixels make each pixel of a resized row, and by which weights; in the order of Pillow's sums. */
function bicubicWeights(size, newSize) {
  const scale = size / newSize;
  const stretch = Math.max(scale, 1); // more pixels are averaged where a picture becomes smaller
  const support = 2 * stretch;
  const taps = 2 * Math.ceil(support) + 1;
  const starts = new Int32Array(newSize);
  const counts = new Int32Array(newSize);
  const weights = new Float64Array(newSize * taps);
  for (let x = 0; x < newSize; x++) {
    const center = (x + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const end = Math.min(Math.trunc(center + support + 0.5), size);
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      const weight = bicubic((k + start - center + 0.5) * (1 / stretch));
      weights[x * taps + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < end - start; k++) {
      weights[x * taps + k] /= sum;
    }
    starts[x] = start;
    counts[x] = end - start;
  }
  return { starts, counts, weights, taps };
}

/** The cubic kernel with a = -0.5, of Catmull and Rom. */
function bicubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) {
    return (1.5 * x - 2.5) * x * x + 1;
  }
  if (x < 2) {
    return (((x - 5) * x + 8) * x - 4) * -0.5;
  }
  return 0;
}
