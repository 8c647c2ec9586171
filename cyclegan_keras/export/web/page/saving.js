// Pictures become files: names, encoding, saving and sharing.

import { PageError } from "./strings.js";

const JPEG_QUALITY = 0.95;
const KEPT_MS = 60_000; // a browser may begin to save long after the click

/**
 * Returns the name of a translation's file.
 *
 * @param {string} name of the picture, with or without an extension.
 * @param {string} target what it was translated into, such as "zebra".
 * @param {string} type "image/jpeg" or "image/png".
 * @returns {string} such as "meadow-zebra.jpg".
 */
export function resultName(name, target, type) {
  const stem = name.replace(/\.[^.]{1,5}$/, "") || "picture";
  const extension = type === "image/jpeg" ? "jpg" : "png";
  return `${fileNamePart(stem)}-${fileNamePart(target)}.${extension}`;
}

function fileNamePart(words) {
  return words.trim().replace(/[\\/:*?"<>|\s\u0000-\u001f]+/g, "_");
}

/**
 * Returns the type that a translation is saved as: JPEG for JPEG, PNG for all else.
 *
 * @param {string} type of the picture that was given.
 * @returns {string} "image/jpeg" or "image/png".
 */
export function resultType(type) {
  return type === "image/jpeg" ? "image/jpeg" : "image/png";
}

/**
 * Encodes what a canvas shows.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} type "image/jpeg" or "image/png".
 * @returns {Promise<Blob>}
 * @throws {PageError} the browser has too little memory.
 */
export async function encodeCanvas(canvas, type) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, JPEG_QUALITY));
  if (!blob) {
    throw new PageError("error.save");
  }
  return blob;
}

/**
 * Draws pixels on a canvas of their size.
 *
 * @param {ImageData} image
 * @param {HTMLCanvasElement} canvas one to use again; a new one by default.
 * @returns {HTMLCanvasElement}
 */
export function drawPixels(image, canvas = document.createElement("canvas")) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/**
 * Draws a translation with something of the original left.
 *
 * @param {{ before: ImageData, after: ImageData }} pixels of one size, opaque.
 * @param {number} strength from 0, the original, to 1, the translation.
 * @param {HTMLCanvasElement} canvas one to use again; a new one by default.
 * @param {HTMLCanvasElement | null} original a canvas that shows `before`, where there is one.
 * @returns {HTMLCanvasElement}
 */
export function drawBlend(pixels, strength, canvas = document.createElement("canvas"), original = null) {
  drawPixels(pixels.after, canvas);
  if (strength < 1) {
    const before = original ?? drawPixels(pixels.before);
    const context = canvas.getContext("2d");
    context.globalAlpha = 1 - strength;
    context.drawImage(before, 0, 0);
    context.globalAlpha = 1;
    if (before !== original) {
      freeCanvas(before);
    }
  }
  return canvas;
}

/**
 * Frees the memory of a canvas at once, which Safari does late.
 *
 * @param {HTMLCanvasElement} canvas that nobody needs any longer.
 */
export function freeCanvas(canvas) {
  canvas.width = 0;
  canvas.height = 0;
}

/**
 * Encodes pixels without loss.
 *
 * @param {ImageData} image opaque.
 * @returns {Promise<Blob>} a PNG file.
 * @throws {PageError} the browser has too little memory.
 */
export async function packPixels(image) {
  const canvas = drawPixels(image);
  try {
    return await encodeCanvas(canvas, "image/png");
  } finally {
    freeCanvas(canvas);
  }
}

/**
 * Decodes what `packPixels` made.
 *
 * @param {Blob} blob
 * @returns {Promise<ImageData>}
 */
export async function unpackPixels(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  freeCanvas(canvas);
  return image;
}

/**
 * Saves a file where the browser saves files.
 *
 * @param {Blob} blob
 * @param {string} name of the file.
 */
export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/**
 * Says whether the browser can hand pictures to other apps.
 *
 * @returns {boolean}
 */
export function canShareFiles() {
  const trial = new File([""], "picture.png", { type: "image/png" });
  return Boolean(navigator.canShare?.({ files: [trial] }));
}

/**
 * Hands a file to another app. A visitor who changes their mind is no error.
 *
 * @param {Blob} blob
 * @param {string} name of the file.
 * @throws {PageError} the browser refused.
 */
export async function shareFile(blob, name) {
  try {
    await navigator.share({ files: [new File([blob], name, { type: blob.type })] });
  } catch (error) {
    if (error.name !== "AbortError") {
      throw new PageError("error.share");
    }
  }
}
