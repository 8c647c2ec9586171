// The engine, as the rest of the page sees it: files in, translations out. A worker computes.

import { modelFile, readAsset, runtimeFiles } from "./assets.js";
import { PageError } from "./strings.js";

const MOST_THREADS = 8;
const THREADS_START_MS = 30000;
// A module with i8x16.relaxed_swizzle: what a browser needs for the builds with fast vectors.
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);
const MOST_CHECK_ERROR = 4; // rms of 255 levels: far above what 16-bit floats do, far below a wrong picture

/**
 * What the engine runs on.
 *
 * @typedef {object} Device
 * @property {"threaded" | "simd" | "compat"} build of the engine
 * @property {number} threads it computes with on the processor
 * @property {boolean} isolated whether the page may use threads at all
 * @property {{available: boolean, software: boolean, name: string}} gpu the graphics card as WebGPU has it
 */

/**
 * Starts the engine.
 *
 * @param {object} options
 * @param {object} options.about the page's facts
 * @param {string | null} [options.build] "threaded", "simd" or "compat" instead of the best one
 * @param {(progress: {what: "runtime" | "model", received: number, total: number | null}) => void}
 *   options.onProgress is told while files come
 * @returns {Promise<Engine>}
 * @throws {PageError} the browser is too old, or a file does not come
 */
export async function startEngine({ about, build = null, onProgress }) {
  const engine = new Engine(about, build, onProgress);
  await engine.start();
  return engine;
}

/** Loads networks and translates pictures, one at a time. */
class Engine {
  constructor(about, build, onProgress) {
    this.device = null;
    this.about = about;
    this.onProgress = onProgress;
    this.builds = possibleBuilds(about.runtime.builds, build);
    this.parts = null; // what a worker is made of
    this.worker = null;
    this.loaded = null; // which file, what was asked for, and what computes
    this.queue = Promise.resolve();
    this.waitingFrame = null;
  }

  /**
   * Makes a .tflite file ready.
   *
   * @param {object} options
   * @param {object} options.file of the facts' directions
   * @param {"auto" | "wasm" | "webgpu"} options.accelerator auto: the graphics card where there is one that
   *   is right
   * @returns {Promise<{accelerator: "wasm" | "webgpu", threads: number, compileMs: number, checkError: number
   *   | null, reason: {key: string, values: object} | null}>} checkError: the rms error in levels of the
   *   graphics card's answer; reason: why it is not used, as a string of the page
   * @throws {PageError} the file does not come, is broken, or needs more memory than there is; another may be
   *   loaded
   */
  load({ file, accelerator }) {
    return this.enqueue(() => this.loadNow(file, accelerator));
  }

  /**
   * Translates a picture.
   *
   * @param {ImageData} picture upright, over white
   * @param {object} options
   * @param {boolean} [options.detail] adds the change to the picture's own detail
   * @param {boolean} [options.ownSize] at the picture's size; else before and after are as the network has
   *   them
   * @param {boolean} [options.live] a frame of many: it is dropped when a newer one comes before its turn
   * @returns {Promise<{before: ImageData, after: ImageData, ms: number, networkMs: number, device:
   *   {accelerator: "wasm" | "webgpu", threads: number}} | null>} ms: all of the computing; device: what has
   *   computed; null for a dropped frame
   * @throws {PageError} it cannot be computed; another picture may be
   */
  translate(picture, { detail = false, ownSize = true, live = false } = {}) {
    if (!live) {
      return this.enqueue(() => this.translateNow(picture, detail, ownSize));
    }
    const frame = { picture };
    this.waitingFrame = frame;
    return this.enqueue(() => {
      if (this.waitingFrame !== frame) {
        return null;
      }
      this.waitingFrame = null;
      return this.translateNow(picture, detail, ownSize);
    });
  }

  /** Starts a worker with the best build that starts. */
  async start() {
    for (;;) {
      const build = this.builds[0];
      const isolated = Boolean(globalThis.crossOriginIsolated);
      const threads = build === "threaded" ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
      let worker = null;
      try {
        this.parts ??= await this.readParts(build);
        const { source, script, module } = this.parts;
        worker = new ComputingWorker(source, () => this.loseGraphicsCard(worker));
        const starting = worker.ask("start", { module, script, threads });
        const { gpu } = await (build === "threaded" ? withinTime(starting, THREADS_START_MS) : starting);
        this.worker = worker;
        this.device = { build, threads, isolated, gpu };
        return;
      } catch (error) {
        worker?.terminate(error);
        this.parts = null;
        if (this.builds.length === 1) {
          throw error instanceof PageError ? error : computingError("error.engine", error);
        }
        // A browser may promise threads and not start them, or have kept only another build for use offline.
        this.builds.shift();
      }
    }
  }

  /** Reads what a worker of a build is made of. */
  async readParts(build) {
    const { runtime, scripts } = this.about;
    const files = runtimeFiles(runtime, build);
    const onProgress = (received, total) => this.onProgress({ what: "runtime", received, total });
    const [worker, library, buildScript, engine] = await Promise.all([
      readAsset("worker.js", { integrity: scripts["worker.js"] }),
      readAsset(runtime.library, { integrity: scripts[runtime.library] }),
      readAsset(files.script.path, { integrity: files.script.integrity }),
      readAsset(files.wasm.path, { integrity: files.wasm.integrity, bytes: files.wasm.bytes, onProgress }),
    ]);
    // Not every browser lets the worker of a page on a disk load scripts, so a worker is one script. Made by
    // the page, it is bound by the page's security policy.
    const source = new Blob(
      [
        "self.startLibrary = function () {\n",
        library,
        "\n};\nself.startScript = function () {\n",
        buildScript,
        "\nself.ModuleFactory = ModuleFactory;\n};\n",
        worker,
      ],
      { type: "text/javascript" },
    );
    const module = await WebAssembly.compile(engine);
    return { source, script: new Blob([buildScript], { type: "text/javascript" }), module };
  }

  async loadNow(file, accelerator) {
    this.loaded = null;
    const { path, integrity } = modelFile(file);
    const onProgress = (received, total) => this.onProgress({ what: "model", received, total });
    const bytes = await readAsset(path, { integrity, bytes: file.bytes, onProgress });
    await this.ensureWorker();
    const { gpu } = this.device;
    let reason = null;
    if (accelerator === "webgpu" && !gpu.available) {
      throw new PageError("error.no_graphics_card");
    }
    if (accelerator === "auto" && gpu.software) {
      reason = { key: "reason.software", values: { name: gpu.name } };
    } else if (accelerator !== "wasm" && gpu.available) {
      try {
        return await this.loadOnGraphicsCard(file, accelerator, bytes);
      } catch (error) {
        if (accelerator === "webgpu") {
          throw error;
        }
        reason = { key: error.key, values: error.values };
        await this.ensureWorker();
      }
    }
    const { compileMs } = await this.compileOnProcessor(file, bytes);
    this.loaded = { file, wanted: accelerator, accelerator: "wasm" };
    return { accelerator: "wasm", threads: this.device.threads, compileMs, checkError: null, reason };
  }

  async loadOnGraphicsCard(file, wanted, bytes) {
    let compileMs;
    let means;
    try {
      ({ compileMs } = await this.worker.ask("compile", { bytes, accelerator: "webgpu" }));
      ({ means } = await this.worker.ask("check"));
    } catch (error) {
      this.stop(error);
      throw new PageError("reason.failed", { message: error.message });
    }
    const squares = file.check.map((value, i) => (value - means[i]) ** 2);
    const checkError = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
    if (!(checkError < MOST_CHECK_ERROR)) {
      throw new PageError("reason.wrong", { error: checkError.toFixed(1) });
    }
    this.loaded = { file, wanted, accelerator: "webgpu" };
    return { accelerator: "webgpu", threads: 1, compileMs, checkError, reason: null };
  }

  async compileOnProcessor(file, bytes) {
    try {
      return await this.worker.ask("compile", { bytes, accelerator: "wasm" });
    } catch (error) {
      this.stop(error); // its memory may be full, or in disorder
      throw computingError("error.model", error, { name: file.path.split("/").pop() });
    }
  }

  async translateNow(picture, detail, ownSize) {
    if (!this.loaded) {
      throw new PageError("error.no_model");
    }
    if (!this.worker) {
      await this.loadNow(this.loaded.file, this.loaded.wanted); // the worker before has failed
    }
    const { file, wanted, accelerator } = this.loaded;
    try {
      const answer = await this.worker.ask("translate", { picture, detail, ownSize });
      const { before, after, ms, networkMs } = answer;
      const threads = accelerator === "wasm" ? this.device.threads : 1;
      return { before: before ?? picture, after, ms, networkMs, device: { accelerator, threads } };
    } catch (error) {
      this.stop(error);
      if (wanted === "auto" && accelerator === "webgpu") {
        this.loaded = { file, wanted: "wasm", accelerator: "wasm" };
        return this.translateNow(picture, detail, ownSize);
      }
      throw computingError("error.translation", error);
    }
  }

  async ensureWorker() {
    if (!this.worker) {
      await this.start();
    }
  }

  stop(error) {
    this.worker?.terminate(error);
    this.worker = null;
  }

  loseGraphicsCard(worker) {
    if (this.worker === worker && this.loaded?.accelerator === "webgpu") {
      this.stop(new Error("The graphics card was lost."));
    }
  }

  /** Runs tasks one after the other, whatever becomes of those before. */
  enqueue(task) {
    const result = this.queue.then(task);
    this.queue = result.catch(() => {});
    return result;
  }
}

/** A worker that answers questions. */
class ComputingWorker {
  constructor(source, onLost) {
    this.waiting = new Map();
    this.asked = 0;
    this.ended = null; // why it works no longer
    this.address = URL.createObjectURL(source);
    this.worker = new Worker(this.address);
    this.worker.addEventListener("message", ({ data }) => {
      if ("lost" in data) {
        onLost();
        return;
      }
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("error" in data) {
        reject(new Error(data.error));
      } else {
        resolve(data.answer);
      }
    });
    this.worker.addEventListener("error", (event) => {
      this.terminate(new Error(event.message || "The worker did not start."));
    });
  }

  ask(task, options = {}) {
    if (this.ended) {
      return Promise.reject(this.ended);
    }
    return new Promise((resolve, reject) => {
      this.asked += 1;
      this.waiting.set(this.asked, { resolve, reject });
      this.worker.postMessage({ id: this.asked, task, ...options });
    });
  }

  terminate(error) {
    this.ended = error;
    this.worker.terminate();
    URL.revokeObjectURL(this.address);
    for (const { reject } of this.waiting.values()) {
      reject(error);
    }
    this.waiting.clear();
  }
}

/**
 * Says whether this browser knows the instructions without which the engine has no threads.
 *
 * @returns {boolean}
 */
export function hasFastVectors() {
  return Boolean(globalThis.WebAssembly?.validate(RELAXED_SIMD));
}

/** Returns the builds of the engine that may run here, the fastest first. */
function possibleBuilds(builds, wanted) {
  if (!globalThis.WebAssembly) {
    throw new PageError("error.no_webassembly");
  }
  const possible = ["compat"];
  if (hasFastVectors()) {
    possible.unshift("simd");
    if (globalThis.crossOriginIsolated) {
      possible.unshift("threaded");
    }
  }
  const known = possible.filter((name) => name in builds);
  return known.includes(wanted) ? [wanted] : known;
}

/** Returns an error in words; too little memory has words of its own. */
function computingError(key, error, values = {}) {
  if (/memory|alloc|out of bounds|too large/i.test(error.message)) {
    return new PageError("error.memory");
  }
  return new PageError(key, { ...values, message: error.message });
}

function withinTime(promise, milliseconds) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`No answer within ${milliseconds / 1000} seconds.`)), milliseconds);
  });
  return Promise.race([promise, late]);
}
