// Picture files as pixels: upright, in sRGB, and opaque.

import { PageError } from "./strings.js";

/** Safari's largest canvas, in pixels. */
export const MOST_PIXELS = 16777216;

/**
 * Reads a picture in any format that the browser knows.
 *
 * It stands upright as its EXIF says, its colors are converted to sRGB by the browser, and what is
 * transparent lies over white.
 *
 * @param {Blob} blob the file; its name is used if it has one
 * @param {object} [options]
 * @param {number} [options.most_pixels] larger pictures are made smaller, with their proportions
 * @returns {Promise<{image: ImageData, shrunk: boolean, width: number, height: number, name: string, type:
 *   string}>} width and height: of the file, which is larger than the image where that was shrunk
 * @throws {PageError} it is no picture that this browser can read, or there is too little memory
 */
export async function readPicture(blob, { most_pixels = MOST_PIXELS } = {}) {
  const name = blob.name ?? "";
  const picture = await decodePicture(blob, name);
  const width = picture.naturalWidth ?? picture.width;
  const height = picture.naturalHeight ?? picture.height;
  if (width === 0 || height === 0) {
    throw new PageError("error.no_picture", { name });
  }
  const scale = Math.min(1, Math.sqrt(most_pixels / (width * height)));
  const image = pixelsOverWhite(picture, Math.floor(width * scale) || 1, Math.floor(height * scale) || 1);
  picture.close?.();
  return { image, shrunk: scale < 1, width, height, name, type: blob.type };
}

async function decodePicture(blob, name) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    return decodeAsElement(blob, name); // drawings in SVG
  }
}

async function decodeAsElement(blob, name) {
  const address = URL.createObjectURL(blob);
  try {
    const element = new Image();
    element.src = address;
    await element.decode();
    return element;
  } catch {
    const isHeic = /\.hei[cf]$/i.test(name) || /^image\/hei[cf]/.test(blob.type);
    throw new PageError(isHeic ? "error.heic" : "error.no_picture", { name });
  } finally {
    URL.revokeObjectURL(address);
  }
}

function pixelsOverWhite(picture, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  // Read often: kept out of the memory of the graphics card, which would round otherwise.
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) {
    throw new PageError("error.memory");
  }
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  try {
    return context.getImageData(0, 0, width, height);
  } catch {
    throw new PageError("error.memory");
  } finally {
    canvas.width = 0; // frees its memory at once, which Safari does late
  }
}
