// What the visitor chooses: direction, model file, engine, size of the result, language.

import { text, currentLanguage, languages, rememberLanguage, setLanguage, megabytesText } from "./strings.js";

const SIZES = ["own-detail", "own", "model"];
const SIZE_TEXTS = {
  "own-detail": "settings.size_own_detail",
  own: "settings.size_own",
  model: "settings.size_model",
};
const ENGINES = ["auto", "wasm", "webgpu"];
const ENGINE_TEXTS = {
  auto: "settings.engine_auto",
  wasm: "settings.engine_wasm",
  webgpu: "settings.engine_webgpu",
};

/** The controls of the page's settings and what they say. */
export class Settings {
  /**
   * @param {object} about the page's facts.
   * @param {(what: "model" | "size" | "language") => void} onChange is called after a choice: "model"
   *   where another file or engine is wanted, "size" where only the size of the result is.
   */
  constructor(about, onChange) {
    const query = new URLSearchParams(location.search);
    this.about = about;
    this.direction = about.directions[0];
    this.wantedVariant = query.get("variant");
    this.device = null;
    this.fallbackReason = null;
    this.wantsMissingCard = false;
    this.directions = document.getElementById("direction");
    this.variants = document.getElementById("variant");
    this.engines = document.getElementById("engine");
    this.sizes = document.getElementById("size");
    this.languages = document.getElementById("language");
    this.fill();
    if (ENGINES.includes(query.get("engine"))) {
      this.engines.value = query.get("engine");
    }
    this.chooseFile();
    this.directions.addEventListener("change", (event) => {
      this.direction = about.directions.find((each) => each.signature === event.target.value);
      this.fill();
      this.chooseFile();
      onChange("model");
    });
    this.variants.addEventListener("change", () => {
      this.wantedVariant = this.variants.value;
      this.explain();
      onChange("model");
    });
    this.engines.addEventListener("change", () => {
      this.fallbackReason = null;
      this.wantsMissingCard = false;
      this.chooseFile();
      onChange("model");
    });
    this.sizes.addEventListener("change", () => {
      this.explain();
      onChange("size");
    });
    this.languages.addEventListener("change", () => {
      rememberLanguage(this.languages.value);
      setLanguage(this.languages.value);
      this.fill();
      onChange("language");
    });
  }

  /** The chosen file, one of the direction's. */
  get file() {
    const { files } = this.direction;
    return files.find((file) => fileKey(file, files) === this.variants.value);
  }

  /** The wanted engine: "auto", "wasm" or "webgpu". */
  get accelerator() {
    return this.engines.value;
  }

  /** How pictures are translated, as the engine takes it: `{ detail, ownSize }`. */
  get translation() {
    return { detail: this.sizes.value === "own-detail", ownSize: this.sizes.value !== "model" };
  }

  /**
   * Takes in what the device can do: the default file depends on it.
   *
   * @param {object} device of the engine.
   */
  setDevice(device) {
    this.device = device;
    this.engines.querySelector('[value="webgpu"]').disabled = !device.gpu.available;
    if (!device.gpu.available && this.engines.value === "webgpu") {
      this.engines.value = "auto";
      this.wantsMissingCard = true;
    }
    this.chooseFile();
  }

  /**
   * Says under the engines why another one than expected translates.
   *
   * @param {{ key: string, values: object } | null} reason a string of the page, or null.
   */
  setFallbackReason(reason) {
    this.fallbackReason = reason;
    this.explain();
  }

  /** Writes all choices in the language at hand and keeps what is chosen. */
  fill() {
    this.fillDirections();
    const sizes = this.direction.keeps_detail ? SIZES : SIZES.filter((size) => size !== "own-detail");
    fillSelect(this.sizes, sizes, (size) => text(SIZE_TEXTS[size]));
    fillSelect(this.engines, ENGINES, (engine) => text(ENGINE_TEXTS[engine]));
    const { files } = this.direction;
    const byKey = new Map(files.map((file) => [fileKey(file, files), file]));
    fillSelect(this.variants, [...byKey.keys()], (key) => {
      const { variant, width, height, bytes } = byKey.get(key);
      return text("settings.variant_option", { variant, width, height, size: megabytesText(bytes) });
    });
    this.variants.closest(".field").hidden = files.length < 2;
    const names = new Map(languages().map((each) => [each.code, each.name]));
    fillSelect(this.languages, [...names.keys()], (code) => names.get(code));
    this.languages.value = currentLanguage();
    const hasNoGpu = this.device !== null && !this.device.gpu.available;
    this.engines.querySelector('[value="webgpu"]').disabled = hasNoGpu;
    this.explain();
  }

  /** Chooses the visitor's file where the direction has it, and the best one for the engine otherwise. */
  chooseFile() {
    const { files, default_on: defaults } = this.direction;
    const wanted = files.find((file) => fileKey(file, files) === this.wantedVariant);
    const file = wanted ?? files[this.expectsGpu() ? defaults.webgpu : defaults.wasm];
    this.variants.value = fileKey(file, files);
    this.explain();
  }

  expectsGpu() {
    if (this.accelerator !== "auto") {
      return this.accelerator === "webgpu";
    }
    return this.device !== null && this.device.gpu.available && !this.device.gpu.software;
  }

  explain() {
    const file = this.file;
    const values = file ? { width: file.width, height: file.height } : {};
    document.getElementById("size-hint").textContent = text(`${SIZE_TEXTS[this.sizes.value]}_hint`, values);
    const missing = this.wantsMissingCard ? { key: "reason.missing", values: {} } : null;
    const reason = this.fallbackReason ?? missing;
    const hint = document.getElementById("engine-hint");
    hint.hidden = reason === null;
    hint.textContent = reason === null ? "" : text(reason.key, reason.values);
  }

  fillDirections() {
    const { directions } = this.about;
    const hasFocus = this.directions.contains(document.activeElement);
    this.directions.hidden = directions.length < 2;
    for (const label of this.directions.querySelectorAll("label")) {
      label.remove();
    }
    for (const direction of directions) {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.name = "direction";
      radio.value = direction.signature;
      radio.checked = direction === this.direction;
      radio.setAttribute("aria-label", directionWords(direction));
      const words = document.createElement("span");
      words.append(part(direction.source), arrow(), part(direction.target));
      const face = document.createElement("span");
      face.className = "face";
      face.append(words);
      label.append(radio, face);
      this.directions.append(label);
    }
    if (hasFocus) {
      this.directions.querySelector(":checked").focus(); // the one that had it is gone
    }
  }
}

/**
 * Says a direction in words that can be read aloud.
 *
 * @param {{ source: string, target: string }} direction
 * @returns {string} such as "horse to zebra".
 */
function directionWords(direction) {
  return text("page.arrow", { source: direction.source, target: direction.target });
}

/** Returns a name of a file among those of its direction: its variant, with its size where that is needed. */
function fileKey(file, files) {
  const first = files.find((each) => each.variant === file.variant);
  return first === file ? file.variant : `${file.variant}-${file.height}x${file.width}`;
}

function part(words) {
  const element = document.createElement("bdi");
  element.textContent = words;
  return element;
}

function arrow() {
  const element = document.createElement("span");
  element.className = "arrow";
  element.setAttribute("aria-hidden", "true");
  return element;
}

function fillSelect(select, values, wordsOf) {
  const chosen = select.value;
  select.replaceChildren(...values.map((value) => new Option(wordsOf(value), value)));
  if (values.includes(chosen)) {
    select.value = chosen;
  }
}
