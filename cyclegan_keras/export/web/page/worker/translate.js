// A picture of any size through the network, and back to its own size.

import { cutToSize, fittingSize, mirrorToSize } from "./fit.js";
import { rowsOfPicture, withChannels, writeLevels } from "./levels.js";
import { networkSize, runNetwork } from "./network.js";
import { resample, rowsOfArray } from "./resample.js";

/**
 * Translates a picture.
 *
 * A picture that is too large for the network is made smaller, with its proportions, and its translation is
 * enlarged. With `detail` it is the change that is enlarged and added to the picture, which keeps its own
 * detail.
 *
 * @param {ImageData} picture upright and opaque, of any size
 * @param {object} options
 * @param {boolean} options.detail adds the change to the picture itself; makes no difference where nothing is
 *   resized
 * @param {boolean} options.ownSize gives the translation at the picture's size, else at the size inside the
 *   network
 * @returns {Promise<{before: ImageData | null, after: ImageData, networkMs: number}>} before: the picture at
 *   the size of its translation; null where that is the picture itself
 * @throws {Error} as runNetwork does
 */
export async function translatePicture(picture, { detail, ownSize }) {
  const network = networkSize();
  const { inputChannels, outputChannels } = network;
  const { height, width } = fittingSize(picture.height, picture.width, network.height, network.width);
  const isResized = height !== picture.height || width !== picture.width;

  const small = new Float32Array(height * width * inputChannels);
  const rowLength = width * inputChannels;
  resample(rowsOfPicture(picture, inputChannels), height, width, (y, row) => small.set(row, y * rowLength));
  clip(small);
  const whole = mirrorToSize(small, height, width, inputChannels, network.height, network.width);
  const began = performance.now();
  const wholeAnswer = await runNetwork(whole);
  const networkMs = performance.now() - began;
  const answer = cutToSize(wholeAnswer, network.width, outputChannels, height, width);

  if (!ownSize || !isResized) {
    const before = isResized ? pictureOf(small, height, width, inputChannels) : null;
    return { before, after: pictureOf(answer, height, width, outputChannels), networkMs };
  }
  const after = new ImageData(picture.width, picture.height);
  if (!detail) {
    resample(rowsOfArray(answer, height, width, outputChannels), picture.height, picture.width, (y, row) =>
      writeLevels(after, y, row, outputChannels),
    );
    return { before: null, after, networkMs };
  }

  const smallBefore = withChannels(small, inputChannels, outputChannels);
  const change = answer.map((number, i) => number - smallBefore[i]);
  // A network of gray pictures changes a gray picture.
  const own = rowsOfPicture(picture, Math.min(inputChannels, outputChannels));
  const ownRow = new Float32Array(picture.width * own.channels);
  resample(rowsOfArray(change, height, width, outputChannels), picture.height, picture.width, (y, row) => {
    own.readRow(y, ownRow);
    const ownNumbers = withChannels(ownRow, own.channels, outputChannels);
    for (let i = 0; i < row.length; i++) {
      row[i] += ownNumbers[i];
    }
    writeLevels(after, y, row, outputChannels);
  });
  return { before: null, after, networkMs };
}

/**
 * Translates a made picture of the network's size, by which a graphics card is judged.
 *
 * @returns {Promise<Float64Array>} means of 8 x 8 blocks of the translation, (8, 8, output channels) in
 *   0..255
 * @throws {Error} as runNetwork does
 */
export async function translateMadePicture() {
  const { height, width, inputChannels, outputChannels } = networkSize();
  const made = new ImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      made.data[at] = Math.floor((x * 255) / width);
      made.data[at + 1] = Math.floor((y * 255) / height);
      made.data[at + 2] = (x ^ y) & 255;
    }
  }
  const rows = rowsOfPicture(made, inputChannels);
  const numbers = new Float32Array(height * width * inputChannels);
  for (let y = 0; y < height; y++) {
    rows.readRow(y, numbers.subarray(y * width * inputChannels, (y + 1) * width * inputChannels));
  }
  const answer = clip(await runNetwork(numbers));

  const blockHeight = Math.floor(height / 8);
  const blockWidth = Math.floor(width / 8);
  const means = new Float64Array(8 * 8 * outputChannels);
  for (let y = 0; y < 8 * blockHeight; y++) {
    for (let x = 0; x < 8 * blockWidth; x++) {
      const block = 8 * Math.floor(y / blockHeight) + Math.floor(x / blockWidth);
      for (let c = 0; c < outputChannels; c++) {
        const level = (answer[(y * width + x) * outputChannels + c] + 1) * 127.5;
        means[block * outputChannels + c] += level / (blockHeight * blockWidth);
      }
    }
  }
  return means;
}

/** Clips numbers to [-1, 1], in place. */
function clip(numbers) {
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = Math.min(Math.max(numbers[i], -1), 1);
  }
  return numbers;
}

function pictureOf(numbers, height, width, channels) {
  const picture = new ImageData(width, height);
  const length = width * channels;
  for (let y = 0; y < height; y++) {
    writeLevels(picture, y, numbers.subarray(y * length, (y + 1) * length), channels);
  }
  return picture;
}
