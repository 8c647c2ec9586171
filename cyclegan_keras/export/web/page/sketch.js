// The drawing on the page: the canvas of the direction, where it has one, and its translation.

import { createDrawing } from "./drawing.js";
import { countTranslation, hideError, say, showError } from "./messages.js";
import { deviceWords } from "./model.js";
import { durationText, text } from "./strings.js";

const LIVE_MS = 250; // a slower model translates a stroke when it is done, not while it is drawn

/** The drawing and its translation. */
export class Sketch {
  /**
   * @param {object} parts of the page
   * @param {import("./model.js").Model} parts.model
   * @param {import("./settings.js").Settings} parts.settings
   * @param {import("./view.js").View} parts.view
   * @param {import("./queue.js").Queue} parts.queue
   */
  constructor({ model, settings, view, queue }) {
    this.model = model;
    this.settings = settings;
    this.view = view;
    this.queue = queue;
    this.section = document.getElementById("drawing");
    this.direction = null; // whose board it is
    this.board = null; // what createDrawing returned
    this.canvas = null; // the last change of the board, which is to be translated
    this.changes = 0;
    this.isNew = false; // whether the canvas is not translated yet
    this.isStrokeDone = true;
    this.answer = null; // its translation
    this.lastMs = 0;
    queue.add(this);
  }

  /** Whether the drawing stands in the middle of the page. */
  get isShown() {
    return this.view.owner === this;
  }

  /** Shows the board of the direction, or none; the drawing of another direction is gone. */
  arrange() {
    const { direction } = this.settings;
    const hasDrawing = direction.drawing !== null;
    document.body.classList.toggle("draws", hasDrawing);
    this.section.hidden = !hasDrawing;
    const title = document.getElementById("intake-title");
    title.dataset.text = hasDrawing ? "pick.drawing_title" : "pick.title";
    title.textContent = text(title.dataset.text);
    if (this.direction === direction) {
      return;
    }
    this.direction = direction;
    this.section.replaceChildren();
    this.board = null;
    this.canvas = null;
    this.answer = null;
    this.isNew = false;
    this.view.release(this);
    if (hasDrawing) {
      const { width, height } = this.settings.file;
      const onChange = (canvas, isDone) => this.takeChange(canvas, isDone);
      this.board = createDrawing(this.section, direction.drawing, { text, width, height, onChange });
    }
  }

  /**
   * Draws a picture on the board.
   *
   * @param {Blob} blob
   * @throws {PageError} it is no picture.
   */
  async load(blob) {
    await this.board.load(blob);
  }

  /** Translates the drawing anew, by the settings of now. */
  renew() {
    this.isNew = this.canvas !== null;
  }

  /** Shows the drawing and what became of it. */
  comeBack() {
    this.view.take(this);
    if (this.answer) {
      this.show();
    } else {
      this.view.hide();
      this.view.setMode("empty");
    }
    this.queue.run();
  }

  leave() {
    // The board stays as it is, and so does its translation.
  }

  takeChange(canvas, isDone) {
    const isSlow = this.lastMs > LIVE_MS;
    const isFirst = this.answer === null; // its answer would move the sheet below the pen
    if (!isDone && (isSlow || isFirst)) {
      return;
    }
    const isBeginning = this.board === null; // a new board shows a drawing of its own accord
    this.canvas = canvas;
    this.changes += 1;
    this.isNew = true;
    this.isStrokeDone = isDone;
    const takesPlace = !isBeginning || this.view.owner === null;
    if (takesPlace && !this.isShown) {
      this.comeBack();
    } else {
      this.queue.run();
    }
  }

  nextTask() {
    return this.isNew && this.isShown ? () => this.translate() : null;
  }

  async translate() {
    this.isNew = false;
    const { canvas, isStrokeDone } = this;
    try {
      const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const answer = await this.model.translate(image, { detail: false, ownSize: true });
      if (canvas !== this.canvas) {
        return; // of a direction that is no longer chosen
      }
      this.answer = answer;
      this.lastMs = answer.ms;
    } catch (error) {
      if (canvas === this.canvas && this.isShown && !this.isNew) {
        showError(error);
      }
      return;
    }
    if (this.isShown) {
      hideError();
      this.show({ isSaid: isStrokeDone });
    }
    countTranslation(this.lastMs);
  }

  /** Shows the translation; what it took is not said while somebody draws. */
  show({ isSaid = true } = {}) {
    const { ms, device, after } = this.answer;
    this.view.show(this.answer, text("drawing.name"), { isDrawing: true });
    this.view.setMode("drawing");
    if (isSaid) {
      const { width, height } = after;
      say("status.done", () => ({ time: durationText(ms), device: deviceWords(device), width, height }));
    }
  }
}
