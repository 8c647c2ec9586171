// Runs a page's own engine for a benchmark, in place of the page.

import { startEngine } from "../../cyclegan_keras/export/web/page/engine.js";

let engine = null;
let picture = null;

/**
 * Starts the engine, loads a file of the first direction and translates a picture by it.
 *
 * @param {"threaded" | "simd" | "compat"} build of the engine
 * @param {number} index of the file
 * @returns {Promise<{seconds: number, threads: number, build: string}>}
 */
async function prepare(build, index) {
  const about = JSON.parse(document.getElementById("about").textContent);
  const file = about.directions[0].files[index];
  const began = performance.now();
  engine = await startEngine({ about, build, onProgress: () => {} });
  const { threads } = await engine.load({ file, accelerator: "wasm" });
  picture = noise(file.width, file.height);
  await engine.translate(picture);
  return { seconds: (performance.now() - began) / 1000, threads, build: engine.device.build };
}

/**
 * Translates a picture several times.
 *
 * @param {number} count of times
 * @returns {Promise<number>} milliseconds a time, as the page waits for it
 */
async function translateOften(count) {
  const began = performance.now();
  for (let done = 0; done < count; done += 1) {
    await engine.translate(picture);
  }
  return (performance.now() - began) / count;
}

function noise(width, height) {
  const image = new ImageData(width, height);
  let state = 1;
  for (let place = 0; place < image.data.length; place += 1) {
    state = (state * 16807) % 2147483647;
    image.data[place] = place % 4 === 3 ? 255 : state % 256;
  }
  return image;
}

window.benchmark = { prepare, translateOften };
