// The model that the settings name: the engine runs it, and another one takes its place when it is chosen.

import { isSingleFile } from "./assets.js";
import { startEngine } from "./engine.js";
import { hideError, hideStage, say, showError, showStage } from "./messages.js";
import { finishOffline, startServiceWorker } from "./offline.js";
import { PageError, megabytesText, text } from "./strings.js";

/** The engine and the model in it. */
export class Model {
  /**
   * @param {object} about the page's facts.
   * @param {import("./settings.js").Settings} settings which name the model.
   * @param {object} options
   * @param {string | null} options.build of the engine, instead of the best one.
   * @param {() => void} options.onReady is called after each load.
   */
  constructor(about, settings, { build, onReady }) {
    this.about = about;
    this.settings = settings;
    this.build = build;
    this.onReady = onReady;
    this.starting = null; // the promise of an engine
    this.engine = null;
    this.loads = 0; // counts the models that were asked for
    /** What engine.load returned while the model of the settings is ready, else null. */
    this.loaded = null;
    /** When the last model that was asked for is ready, or has failed. */
    this.loading = Promise.resolve();
  }

  /**
   * Loads the model that the settings name, and starts the engine first where that did not happen yet.
   *
   * @param {string} status key of what is said meanwhile.
   */
  load(status = "status.starting") {
    this.loading = this.loadNow(status);
  }

  /**
   * Translates a picture, see the engine.
   *
   * @param {ImageData} image
   * @param {object} options
   */
  translate(image, options) {
    return this.engine.translate(image, options);
  }

  async loadNow(status) {
    this.loads += 1;
    const load = this.loads;
    this.loaded = null;
    document.body.dataset.state = "loading";
    hideError();
    say(status);
    let loaded;
    try {
      this.starting ??= this.start();
      await this.starting;
      if (load !== this.loads) {
        return; // another one was chosen meanwhile
      }
      showStage(text("work.preparing"));
      const { file, accelerator } = this.settings;
      loaded = await this.engine.load({ file, accelerator });
    } catch (error) {
      if (load === this.loads) {
        this.fail(error);
      }
      return;
    }
    if (load !== this.loads) {
      return;
    }
    this.loaded = loaded;
    hideStage();
    this.settings.setFallbackReason(loaded.reason);
    document.body.dataset.check = loaded.checkError ?? "";
    document.body.dataset.state = "ready";
    say("status.ready", () => ({ device: deviceWords(loaded) }));
    this.onReady();
    finishOffline(this.about).then((isFinished) => {
      document.body.dataset.offline = String(isFinished);
    });
  }

  async start() {
    try {
      checkPlace();
      await startServiceWorker(this.about);
      const { about, build } = this;
      this.engine = await startEngine({ about, build, onProgress: showProgress });
      this.settings.setDevice(this.engine.device);
    } catch (error) {
      this.starting = null; // the next load tries again
      throw error;
    }
  }

  fail(error) {
    hideStage();
    say("");
    document.body.dataset.state = "failed";
    showError(error, error.key === "error.needs_server" ? null : () => this.load());
  }
}

/** Throws where the page was opened from a disk, from which browsers give it none of its files. */
function checkPlace() {
  if (location.protocol === "file:" && !isSingleFile()) {
    const path = decodeURIComponent(new URL("./", location.href).pathname);
    const folder = path.replace(/^\/(?=[A-Z]:)/, "").replace(/(?<=.)\/$/, ""); // of Windows: C:/...
    throw new PageError("error.needs_server", { folder });
  }
}

function showProgress({ what, received, total }) {
  const values = { received: megabytesText(received), total: megabytesText(total ?? 0) };
  const isKnown = Boolean(total) && received <= total;
  const size = text(isKnown ? "work.size_of" : "work.size", values);
  const words = what === "runtime" ? text("work.runtime", { size }) : text("work.model", { size });
  showStage(words, isKnown ? received / total : null);
}

/**
 * Says what translates.
 *
 * @param {{ accelerator: "wasm" | "webgpu", threads: number }} device
 * @returns {string} such as "processor, 4 threads".
 */
export function deviceWords({ accelerator, threads }) {
  if (accelerator === "webgpu") {
    return text("device.graphics");
  }
  return threads > 1 ? text("device.threads", { threads }) : text("device.processor");
}
