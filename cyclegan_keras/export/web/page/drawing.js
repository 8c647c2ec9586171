// The canvas to draw on: tools, colors, undo and redo, by mouse, finger, pen and keys.

import { nameColor } from "./color_names.js";
import { errorWords } from "./messages.js";
import { readPicture } from "./pictures.js";
import { encodeCanvas, saveFile } from "./saving.js";
import { LabelSheet, LineSheet } from "./sheet.js";
import { UndoHistory } from "./undo_history.js";

const TOOLS = {
  labels: ["pen", "line", "rectangle", "fill", "eraser"],
  lines: ["pen", "line", "rectangle", "eraser"],
};
const ICONS = {
  pen: "M4 20l1-5L16 4l4 4L9 19ZM13 7l4 4",
  line: "M5 19 19 5",
  rectangle: "M4 6h16v12H4Z",
  fill: "M11 3 4 11l7 7 8-8ZM4 11h14M20 15c2 3 1 5 0 5s-2-2 0-5Z",
  eraser: "M9 19H6l-3-3L14 5l6 6-8 8M8 11l6 6M9 19h11",
  undo: "M9 6 4 11l5 5M4 11h10a6 6 0 0 1 0 12h-1",
  redo: "m15 6 5 5-5 5M20 11H10a6 6 0 0 0 0 12h1",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  example: "M4 4h6v6H4ZM14 4h6v6h-6ZM4 14h6v6H4ZM14 14h6v6h-6Z",
  open: "M3 19V5h6l2 3h10v11ZM12 17v-5M9.5 14.5 12 12l2.5 2.5",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
};
const STEPS_OF_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SAID_AFTER_MS = 400; // of rest, so that a reader is not interrupted by each step of the crosshair

/**
 * Fills a section with a canvas to draw on and its tools.
 *
 * A canvas for label maps begins with a patch of each color, one for lines with empty paper.
 *
 * @param {HTMLElement} container the section; what it held goes away.
 * @param {{kind: "lines", paper: string, ink: string} | {kind: "labels", colors: string[]}} drawing what the
 *   model learned from. Colors are such as "#0000aa"; the first one of labels is the background.
 * @param {object} options
 * @param {(key: string, values?: object) => string} options.text returns a string of the page's language.
 * @param {number} options.width of the canvas in px, as the model takes it.
 * @param {number} options.height
 * @param {(canvas: HTMLCanvasElement, isDone: boolean) => void} options.onChange is called after each change,
 *   and with `isDone` false while somebody draws, at most once a frame.
 * @returns {{load: (picture: Blob) => Promise<void>, writeWords: () => void}} load: draws a picture, as large
 *   as it fits; in label maps each pixel becomes the nearest color. It throws a PageError where the file is
 *   no picture. writeWords: writes all words once more, in the language at hand.
 */
export function createDrawing(container, drawing, { text, width, height, onChange }) {
  const board = new Board(container, drawing, { text, width, height, onChange });
  board.open();
  return { load: (picture) => board.load(picture), writeWords: () => board.writeWords() };
}

/** The canvas, what is chosen, and the stroke that is being drawn. */
class Board {
  constructor(container, drawing, { text, width, height, onChange }) {
    this.kind = drawing.kind;
    this.text = text;
    this.onChange = onChange;
    this.palette = paletteOf(drawing);
    this.tool = "pen";
    this.label = 1;
    this.size = Math.max(1, Math.round(Math.min(width, height) / (this.kind === "labels" ? 24 : 96)));
    this.largest = Math.max(8, Math.round(Math.min(width, height) / 5));
    this.history = new UndoHistory();
    /** The stroke being drawn: `{tool, label, start, last, before, pressure}`; null between strokes. */
    this.active = null;
    this.isByKeys = false;
    this.crosshair = { x: Math.floor(width / 2), y: Math.floor(height / 2) };
    this.parts = buildParts(container, this.kind, this.palette, { width, height, largest: this.largest });
    const Sheet = this.kind === "labels" ? LabelSheet : LineSheet;
    this.sheet = new Sheet(this.parts.canvas, this.palette);
    this.container = container;
  }

  /** Connects the parts and shows the beginning. */
  open() {
    const { canvas, tools, swatches, size, buttons, file } = this.parts;
    for (const [name, input] of Object.entries(tools)) {
      input.addEventListener("change", () => this.chooseTool(name));
    }
    swatches.forEach((input, label) => input.addEventListener("change", () => this.chooseLabel(label)));
    size.addEventListener("input", () => {
      this.size = size.valueAsNumber;
      this.writeSize();
    });
    buttons.undo.addEventListener("click", () => this.undo());
    buttons.redo.addEventListener("click", () => this.redo());
    buttons.clear.addEventListener("click", () => this.change("drawing.cleared", () => this.sheet.clear()));
    buttons.example.addEventListener("click", () => {
      this.change("drawing.example_shown", () => this.sheet.drawPatches());
    });
    buttons.save.addEventListener("click", () => this.save());
    file.addEventListener("change", () => this.openPicture());
    this.connectPointer(canvas);
    this.connectKeys(canvas);

    this.chooseTool("pen");
    if (this.kind === "labels") {
      this.chooseLabel(1);
      this.sheet.drawPatches();
      this.onChange(canvas, true);
    }
    size.value = this.size;
    this.writeWords();
    this.showCrosshair();
    this.updateButtons();
  }

  // ---- what is chosen ----

  chooseTool(name) {
    this.finish();
    this.tool = name;
    this.parts.tools[name].checked = true;
    this.parts.canvas.dataset.tool = name;
  }

  chooseLabel(label) {
    this.finish();
    this.label = label;
    this.parts.swatches[label].checked = true;
    if (this.tool === "eraser") {
      this.chooseTool("pen");
    }
  }

  // ---- strokes ----

  /** Puts the tool down. */
  begin(point, pressure = null) {
    this.finish();
    const before = this.sheet.snapshot();
    const label = this.tool === "eraser" ? 0 : this.label; // lines have one ink, which is color 1
    this.active = { tool: this.tool, label, start: point, last: point, before };
    if (this.tool === "fill") {
      this.sheet.fill(point, label);
      this.finish();
      return;
    }
    this.moveTo(point, pressure);
  }

  /** Draws on to a point. */
  moveTo(point, pressure = null) {
    const { tool, label, start, last, before } = this.active;
    const size = pressure === null ? this.size : this.sizeUnder(pressure);
    if (tool === "pen" || tool === "eraser") {
      this.sheet.stroke(last, point, size, label);
    } else {
      this.sheet.restore(before);
      const draw = tool === "line" ? "stroke" : "rectangle";
      this.sheet[draw](start, point, this.size, label);
    }
    this.active.last = point;
    this.tellSoon();
  }

  /** Takes the tool up. */
  finish() {
    if (!this.active) {
      return;
    }
    this.history.keep(this.active.before);
    this.active = null;
    this.tell();
  }

  /** Undoes the stroke that is being drawn. */
  abandon() {
    this.sheet.restore(this.active.before);
    this.active = null;
    this.tell();
  }

  sizeUnder(pressure) {
    const size = this.size * (0.4 + 1.2 * pressure);
    return this.kind === "labels" ? Math.max(1, Math.round(size)) : size;
  }

  // ---- changes of all of it ----

  change(saidAs, act) {
    this.finish();
    this.history.keep(this.sheet.snapshot());
    act();
    this.say(this.text(saidAs));
    this.tell();
  }

  undo() {
    this.finish();
    if (this.history.canUndo) {
      this.sheet.restore(this.history.undo(this.sheet.snapshot()));
      this.say(this.text("drawing.undone"));
      this.tell();
    }
  }

  redo() {
    this.finish();
    if (this.history.canRedo) {
      this.sheet.restore(this.history.redo(this.sheet.snapshot()));
      this.say(this.text("drawing.redone"));
      this.tell();
    }
  }

  async openPicture() {
    const { file } = this.parts;
    const [picture] = file.files;
    if (!picture) {
      return; // the visitor changed their mind
    }
    try {
      await this.load(picture);
    } catch (error) {
      this.showProblem(error);
    }
    file.value = ""; // so that the same file can be chosen again
  }

  async load(picture) {
    const { image } = await readPicture(picture);
    this.change("drawing.opened", () => this.sheet.load(image));
  }

  async save() {
    this.finish();
    try {
      saveFile(await encodeCanvas(this.parts.canvas, "image/png"), `${this.text("drawing.name")}.png`);
    } catch (error) {
      this.showProblem(error);
    }
  }

  /** Says that the drawing changed, and that it is done. */
  tell() {
    cancelAnimationFrame(this.soon);
    this.soon = null;
    this.parts.problem.hidden = true;
    this.updateButtons();
    this.onChange(this.parts.canvas, true);
  }

  /** Says that the drawing changes, once a frame. */
  tellSoon() {
    this.soon ??= requestAnimationFrame(() => {
      this.soon = null;
      this.onChange(this.parts.canvas, false);
    });
  }

  updateButtons() {
    this.setEnabled(this.parts.buttons.undo, this.history.canUndo);
    this.setEnabled(this.parts.buttons.redo, this.history.canRedo);
  }

  /** A button that has the focus keeps it: a disabled one would send it to the top of the page. */
  setEnabled(button, isEnabled) {
    button.setAttribute("aria-disabled", String(!isEnabled));
  }

  // ---- mouse, finger and pen ----

  connectPointer(canvas) {
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return {
        x: ((event.clientX - box.left) / box.width) * canvas.width,
        y: ((event.clientY - box.top) / box.height) * canvas.height,
      };
    };
    const pressureOf = (event) => (event.pointerType === "pen" ? event.pressure : null);
    let pointer = null; // only one draws: a second finger is not a second pen

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || pointer !== null) {
        return;
      }
      pointer = event.pointerId;
      canvas.setPointerCapture(pointer);
      this.setByKeys(false);
      this.begin(at(event), pressureOf(event));
      this.crosshair = this.inside(at(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer || !this.active) {
        return;
      }
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const each of passed.length > 0 ? passed : [event]) {
        this.moveTo(at(each), pressureOf(each));
      }
      this.crosshair = this.inside(at(event));
    });
    const end = (event) => {
      if (event.pointerId === pointer) {
        pointer = null;
        this.finish();
      }
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long touch
  }

  // ---- keys ----

  connectKeys(canvas) {
    canvas.addEventListener("keydown", (event) => {
      if (this.useKey(event)) {
        event.preventDefault();
      }
    });
    this.container.addEventListener("keydown", (event) => {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
      const isRedo = event.ctrlKey && event.key.toLowerCase() === "y";
      if (isRedo || (isUndo && event.shiftKey)) {
        event.preventDefault();
        this.redo();
      } else if (isUndo) {
        event.preventDefault();
        this.undo();
      }
    });
    canvas.addEventListener("focus", () => this.showCrosshair());
    canvas.addEventListener("blur", () => {
      this.finish();
      this.setByKeys(false);
    });
  }

  /** Does what a key on the canvas means; returns whether it means something. */
  useKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return false;
    }
    if (event.key in STEPS_OF_KEYS) {
      const [right, down] = STEPS_OF_KEYS[event.key];
      this.step(right, down, event.shiftKey ? 8 : 1);
      return true;
    }
    if (event.key === " " || event.key === "Enter") {
      if (!event.repeat) {
        this.toggle();
      }
      return true;
    }
    if (event.key === "Escape" && this.active) {
      this.abandon();
      this.say(this.text("drawing.abandoned"));
      return true;
    }
    return false;
  }

  /** Moves the crosshair, by a 64th of the sheet or a pixel, or by so many times as much. */
  step(right, down, times) {
    const { width, height } = this.sheet;
    const length = Math.max(1, Math.round(Math.min(width, height) / 64)) * times;
    this.setByKeys(true);
    const { x, y } = this.crosshair;
    this.crosshair = this.inside({ x: x + right * length, y: y + down * length });
    if (this.active) {
      this.moveTo(middleOf(this.crosshair));
    }
    this.showCrosshair();
    this.sayPlaceSoon();
  }

  /** Puts the tool down at the crosshair, or takes it up. */
  toggle() {
    this.setByKeys(true);
    if (this.active) {
      this.finish();
      this.say(this.text("drawing.pen_up"));
      return;
    }
    this.begin(middleOf(this.crosshair));
    this.say(this.text(this.active ? "drawing.pen_down" : "drawing.filled"));
  }

  inside({ x, y }) {
    return {
      x: Math.min(this.sheet.width - 1, Math.max(0, Math.floor(x))),
      y: Math.min(this.sheet.height - 1, Math.max(0, Math.floor(y))),
    };
  }

  setByKeys(isByKeys) {
    this.isByKeys = isByKeys;
    this.showCrosshair();
  }

  showCrosshair() {
    const { cross, canvas } = this.parts;
    cross.hidden = !this.isByKeys && !canvas.matches(":focus-visible");
    this.container.classList.toggle("by-keys", !cross.hidden);
    const { x, y } = middleOf(this.crosshair);
    cross.style.setProperty("--x", `${(100 * x) / this.sheet.width}%`);
    cross.style.setProperty("--y", `${(100 * y) / this.sheet.height}%`);
  }

  // ---- words ----

  say(words) {
    clearTimeout(this.saying);
    this.parts.said.textContent = words;
  }

  sayPlaceSoon() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      const { x, y } = this.crosshair;
      const color = this.colorWords(this.sheet.labelAt(this.crosshair));
      const { width, height } = this.sheet;
      this.say(this.text("drawing.place", { x: x + 1, y: y + 1, width, height, color }));
    }, SAID_AFTER_MS);
  }

  showProblem(error) {
    this.parts.problem.textContent = errorWords(error);
    this.parts.problem.hidden = false;
  }

  colorWords(label) {
    const { hue, shade } = nameColor(this.palette[label]);
    const name = this.text(`drawing.color.${hue}`);
    return shade ? this.text(`drawing.shade.${shade}`, { color: name }) : name;
  }

  writeSize() {
    const words = this.text("drawing.size_value", { size: this.size });
    this.parts.sizeText.textContent = words;
    this.parts.size.setAttribute("aria-valuetext", words);
  }

  /** Writes all words in the page's language. */
  writeWords() {
    const { words, names, swatches, canvas } = this.parts;
    for (const [element, key] of words) {
      element.textContent = this.text(key);
    }
    for (const [element, key] of names) {
      element.setAttribute("aria-label", this.text(key));
    }
    swatches.forEach((input, label) => {
      const values = { color: this.colorWords(label), number: label + 1, count: this.palette.length };
      const name = this.text(label === 0 ? "drawing.background" : "drawing.swatch", values);
      input.setAttribute("aria-label", name);
      input.parentElement.title = name;
    });
    const { width, height } = canvas;
    canvas.setAttribute("aria-label", this.text("drawing.canvas", { width, height }));
    this.writeSize();
  }
}

// ---- the elements ----

/** Builds what stands in the section; words are written later. */
function buildParts(container, kind, palette, { width, height, largest }) {
  const words = []; // [element, key of its text]
  const names = []; // [element, key of its accessible name]

  const canvas = make("canvas", { className: "sheet", tabIndex: 0, width, height });
  canvas.dataset.kind = kind;
  canvas.setAttribute("role", "application"); // else screen readers keep the arrow keys for themselves
  canvas.setAttribute("aria-describedby", "drawing-keys");
  const cross = make("div", { className: "cross", hidden: true });
  const paper = make("div", { className: "paper" }, [canvas, cross]);
  paper.style.setProperty("--ratio", width / height);

  const hint = make("p", { className: "hint-drawing" });
  words.push([hint, `drawing.hint_${kind}`]);
  const keys = make("p", { id: "drawing-keys" });
  words.push([keys, "drawing.keys"]);

  const tools = {};
  const toolLabels = TOOLS[kind].map((name) => {
    tools[name] = make("input", { type: "radio", name: "drawing-tool", value: name });
    const word = make("span");
    words.push([word, `drawing.${name}`]);
    const face = make("span", { className: "face" }, [icon(ICONS[name]), word]);
    return make("label", {}, [tools[name], face]);
  });
  const toolsLegend = legend("drawing.tools", words);
  const toolbox = make("fieldset", { className: "choice tools" }, [toolsLegend, ...toolLabels]);

  const swatches = kind === "labels" ? palette.map((color, label) => swatch(color, label)) : [];
  const colors = make("fieldset", { className: "choice swatches", hidden: kind !== "labels" }, [
    legend("drawing.colors", words),
    ...swatches.map((input) => input.parentElement),
  ]);

  const size = make("input", { type: "range", id: "drawing-size", min: 1, max: largest, step: 1 });
  const sizeText = make("output", { htmlFor: "drawing-size" });
  const sizeLabel = make("label", { htmlFor: "drawing-size" });
  words.push([sizeLabel, "drawing.size"]);
  const sizeField = make("div", { className: "pen-size" }, [sizeLabel, size, sizeText]);

  const buttons = {};
  for (const name of ["undo", "redo", "clear", "example", "save"]) {
    const word = make("span");
    words.push([word, `drawing.${name}`]);
    buttons[name] = make("button", { type: "button" }, [icon(ICONS[name]), word]);
    buttons[name].dataset.drawing = name;
  }
  buttons.example.hidden = kind !== "labels";
  const file = make("input", { type: "file", accept: "image/*", id: "drawing-file" });
  file.className = "visually-hidden";
  const openWord = make("span");
  words.push([openWord, "drawing.open"]);
  const openLabel = make("label", { className: "button" }, [icon(ICONS.open), openWord, file]);
  const { undo, redo, clear, example, save } = buttons;
  const bar = make("div", { className: "bar" }, [undo, redo, clear, example, openLabel, save]);
  bar.setAttribute("role", "group");
  names.push([bar, "drawing.actions"]);

  const problem = make("p", { className: "drawing-problem", hidden: true });
  problem.setAttribute("role", "alert");
  const said = make("p", { className: "visually-hidden" });
  said.setAttribute("aria-live", "polite");

  const controls = make("div", { className: "controls" }, [toolbox, colors, sizeField, bar]);
  container.replaceChildren(hint, paper, keys, controls, problem, said);
  return { canvas, cross, tools, swatches, size, sizeText, buttons, file, problem, said, words, names };
}

function swatch(color, label) {
  const input = make("input", { type: "radio", name: "drawing-color", value: String(label) });
  const face = make("span", { className: "face" });
  face.style.setProperty("--color", `rgb(${color.join(" ")})`);
  make("label", {}, [input, face]);
  return input;
}

function legend(key, words) {
  const element = make("legend", { className: "visually-hidden" });
  words.push([element, key]);
  return element;
}

function make(tag, properties = {}, children = []) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function icon(path) {
  const namespace = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(namespace, "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  const outline = document.createElementNS(namespace, "path");
  outline.setAttribute("d", path);
  drawn.append(outline);
  return drawn;
}

// ---- numbers ----

function paletteOf(drawing) {
  const colors = drawing.kind === "labels" ? drawing.colors : [drawing.paper, drawing.ink];
  return colors.map((color) => {
    const number = Number.parseInt(color.slice(1), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  });
}

function middleOf({ x, y }) {
  return { x: x + 0.5, y: y + 0.5 };
}
