// The network in LiteRT.js: everything that knows the library is here.

import { levelsOfNumbers, numbersOfLevels } from "./levels.js";

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;
let threads = 1;
let compiled = null;

/**
 * Starts LiteRT.js. `self.startLibrary` and `self.startScript` stand before this script and leave
 * `self.LiteRT` and `self.ModuleFactory`.
 *
 * @param {object} options
 * @param {WebAssembly.Module} options.module the engine, compiled
 * @param {Blob} options.script its script, which the workers of its threads start
 * @param {number} options.threads how many to compute with; more than 1 in the threaded build only
 * @returns {Promise<{available: boolean, software: boolean, name: string}>} about the graphics card
 * @throws {Error} the engine does not start in this browser
 */
export async function startRuntime(options) {
  threads = options.threads;
  // The engine starts as many workers as this says, each with memory of its own.
  Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
  self.startLibrary();
  // The library asks for scripts by importScripts. The only one it asks for stands before this script.
  self.importScripts = () => self.startScript();
  const failed = new Promise((_, reject) => {
    self.Module = {
      mainScriptUrlOrBlob: options.script, // else the threads would start this script
      instantiateWasm(imports, receive) {
        const { module } = options;
        WebAssembly.instantiate(module, imports).then((instance) => receive(instance, module), reject);
        return {}; // the instance comes later
      },
      onAbort: (what) => reject(new Error(String(what))),
      print: ignore,
      printErr: ignore,
    };
  });
  const warn = console.warn;
  console.warn = ignore; // of browsers without WebGPU, which is no defect
  try {
    await Promise.race([self.LiteRT.loadLiteRt("engine.js"), failed]);
  } finally {
    console.warn = warn;
  }
  return describeGraphicsCard();
}

/**
 * Resolves when the graphics card is lost, with the browser's reason.
 *
 * @returns {Promise<string>} never resolves where there is none
 */
export async function graphicsCardLost() {
  const device = self.LiteRT.getWebGpuDevice();
  if (!device) {
    return new Promise(ignore);
  }
  const { message } = await device.lost;
  return message;
}

/**
 * Makes a .tflite file ready to run, in the place of the one before.
 *
 * @param {Uint8Array} bytes of the file
 * @param {"wasm" | "webgpu"} accelerator what computes
 * @returns {Promise<void>}
 * @throws {Error} the file is broken or of no picture, memory is short, or the graphics card cannot run all
 *   of it
 */
export async function compileNetwork(bytes, accelerator) {
  if (compiled) {
    compiled.delete();
    compiled = null;
  }
  const model = await self.LiteRT.loadAndCompile(bytes, { accelerator, cpuOptions: { numThreads: threads } });
  if (accelerator === "webgpu" && (model.options.accelerator !== "webgpu" || !model.isFullyAccelerated)) {
    model.delete();
    throw new Error("WebGPU does not run every operation of this network.");
  }
  compiled = model;
  const { input, output } = networkShape();
  for (const { shape } of [input, output]) {
    if (shape.length !== 4 || shape[0] !== 1 || ![1, 3].includes(shape[3])) {
      throw new Error(`The file computes on arrays of ${[...shape].join(" x ")}, which are no picture.`);
    }
  }
}

/**
 * Describes what the network takes and gives.
 *
 * @returns {{height: number, width: number, inputChannels: number, outputChannels: number}}
 */
export function networkSize() {
  const { input, output } = networkShape();
  return {
    height: input.shape[1],
    width: input.shape[2],
    inputChannels: input.shape[3],
    outputChannels: output.shape[3],
  };
}

/**
 * Translates a picture of exactly the network's size.
 *
 * @param {Float32Array} numbers (height, width, input channels) in [-1, 1]
 * @returns {Promise<Float32Array>} (height, width, output channels), about in [-1, 1]
 * @throws {Error} memory is short, the graphics card is lost, or the answer holds numbers that are not finite
 */
export async function runNetwork(numbers) {
  const { input, output } = networkShape();
  const values = input.dtype === "uint8" ? levelsOfNumbers(numbers) : numbers;
  const tensors = [new self.LiteRT.Tensor(values, [...input.shape])];
  let answer;
  try {
    tensors.push(...(await compiled.run([tensors[0]])));
    answer = await tensors[1].data();
  } finally {
    // The memory of WebAssembly is not collected.
    for (const tensor of tensors) {
      if (!tensor.deleted) {
        tensor.delete();
      }
    }
  }
  if (output.dtype === "uint8") {
    return numbersOfLevels(answer);
  }
  if (!answer.every(Number.isFinite)) {
    throw new Error("The network gave numbers that are not finite.");
  }
  return answer;
}

function networkShape() {
  return { input: compiled.getInputDetails()[0], output: compiled.getOutputDetails()[0] };
}

async function describeGraphicsCard() {
  const device = self.LiteRT.getWebGpuDevice();
  if (!device) {
    return { available: false, software: false, name: "" };
  }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const info = device.adapterInfo ?? adapter?.info ?? {};
  const name = [info.vendor, info.architecture, info.description].filter(Boolean).join(" ");
  const isFallback = Boolean(info.isFallbackAdapter || adapter?.isFallbackAdapter);
  return { available: true, software: isFallback || SOFTWARE.test(name), name };
}

function ignore() {}
