// How a picture of any size goes through a network of one size, as in tflite_run.py.

/**
 * Returns the largest size of the same proportions that fits, and never more than the own one.
 *
 * @param {number} height of the picture
 * @param {number} width of the picture
 * @param {number} mostHeight that fits
 * @param {number} mostWidth that fits
 * @returns {{height: number, width: number}} at least 1 each
 */
export function fittingSize(height, width, mostHeight, mostWidth) {
  const scale = Math.min(mostHeight / height, mostWidth / width, 1);
  return {
    height: Math.max(roundedToEven(height * scale), 1),
    width: Math.max(roundedToEven(width * scale), 1),
  };
}

/**
 * Fills what is missing to the network's size with the mirrored picture, at the right and lower border.
 *
 * @param {Float32Array} pixels (height, width, channels)
 * @param {number} height of the picture
 * @param {number} width of the picture
 * @param {number} channels of a pixel
 * @param {number} newHeight not less than the height
 * @param {number} newWidth not less than the width
 * @returns {Float32Array} (newHeight, newWidth, channels)
 */
export function mirrorToSize(pixels, height, width, channels, newHeight, newWidth) {
  const result = new Float32Array(newHeight * newWidth * channels);
  let at = 0;
  for (let y = 0; y < newHeight; y++) {
    const row = mirrored(y, height) * width;
    for (let x = 0; x < newWidth; x++) {
      const from = (row + mirrored(x, width)) * channels;
      for (let c = 0; c < channels; c++) {
        result[at++] = pixels[from + c];
      }
    }
  }
  return result;
}

/**
 * Cuts off what mirrorToSize has added.
 *
 * @param {Float32Array} pixels (any, wholeWidth, channels)
 * @param {number} wholeWidth of the pixels
 * @param {number} channels of a pixel
 * @param {number} height that is kept
 * @param {number} width that is kept
 * @returns {Float32Array} (height, width, channels)
 */
export function cutToSize(pixels, wholeWidth, channels, height, width) {
  const result = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = y * wholeWidth * channels;
    result.set(pixels.subarray(from, from + width * channels), y * width * channels);
  }
  return result;
}

/** Goes back and forth between the ends of `side` pixels. */
function mirrored(position, side) {
  const period = Math.max(2 * (side - 1), 1);
  const at = position % period;
  return Math.min(at, period - at);
}

/** Rounds to the nearest integer, and a half to the even one, as Python does. */
function roundedToEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) {
    return below % 2 === 0 ? below : below + 1;
  }
  return rest < 0.5 ? below : below + 1;
}
