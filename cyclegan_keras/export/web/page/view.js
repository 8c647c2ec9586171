// The picture that is looked at: before and after on each other or side by side, and the blend of both.

import { connectStack } from "../../../pages/compare.js";
import { drawBlend, drawPixels } from "./saving.js";
import { text } from "./strings.js";

const CRISP_SIDE = 128; // px; pictures up to it are enlarged without smoothing, as the report does
const WIDE = 1.25; // width by height, from which two pictures stand better below each other on a phone

/** Shows a picture and its translation. */
export class View {
  constructor() {
    this.section = document.getElementById("result");
    this.stack = document.getElementById("compare");
    this.before = document.getElementById("before");
    this.after = document.getElementById("after");
    this.side = document.getElementById("side");
    this.strength = document.getElementById("strength");
    this.strengthField = document.getElementById("strength-field");
    /** The part of the page that stands in the middle: the album, the sketch, the camera, or null. */
    this.owner = null;
    this.pixels = null;
    this.isDrawing = false;
    this.frameRequest = null;
    connectStack(this.stack);
    this.side.addEventListener("click", () => {
      const isSideBySide = this.side.getAttribute("aria-pressed") !== "true";
      this.side.setAttribute("aria-pressed", String(isSideBySide));
      this.arrange();
    });
    this.strength.addEventListener("input", () => {
      this.writeStrength();
      this.frameRequest ??= requestAnimationFrame(() => this.blend());
    });
    this.writeStrength();
  }

  /** How much of the translation is shown, from 0 to 1. */
  get share() {
    return this.strengthField.hidden ? 1 : this.strength.value / 100;
  }

  /**
   * Gives the middle of the page to a part of it; the one before leaves.
   *
   * @param {{ leave: () => void }} part
   */
  take(part) {
    const before = this.owner;
    this.owner = part;
    if (before !== null && before !== part) {
      before.leave();
    }
  }

  /**
   * Takes the middle of the page from a part of it, if that has it, and leaves it empty.
   *
   * @param {{ leave: () => void }} part
   */
  release(part) {
    if (this.owner === part) {
      this.owner = null;
      part.leave();
      this.hide();
      this.setMode("empty");
    }
  }

  /**
   * Tells the style sheet what stands in the middle.
   *
   * @param {"empty" | "picture" | "drawing" | "camera"} mode
   */
  setMode(mode) {
    document.body.dataset.mode = mode;
  }

  /**
   * Lets the strength be chosen, or not.
   *
   * @param {boolean} canBlend
   */
  offerStrength(canBlend) {
    this.strengthField.hidden = !canBlend;
  }

  /**
   * Shows a picture whose translation is on its way.
   *
   * @param {ImageData} image
   * @param {string} name
   */
  showOriginal(image, name) {
    this.pixels = null;
    drawPixels(image, this.before);
    this.after.width = 1;
    this.after.height = 1;
    this.fit(image);
    this.nameIt(name);
    this.stack.dataset.show = "before";
    this.section.dataset.busy = "";
    this.section.hidden = false;
    this.stack.scrollIntoView({ block: "nearest" });
  }

  /**
   * Shows a translation.
   *
   * @param {{ before: ImageData, after: ImageData }} pixels of one size.
   * @param {string} name
   * @param {object} options
   * @param {boolean} [options.isDrawing] shows the translation alone: the drawing stands beside it.
   * @param {boolean} [options.isFrame] a frame of a film, whose pixels are never shown as squares.
   * @param {boolean} [options.reveals] lets the handle come in from the side.
   */
  show(pixels, name, { isDrawing = false, isFrame = false, reveals = false } = {}) {
    this.pixels = pixels;
    this.isDrawing = isDrawing;
    drawPixels(pixels.before, this.before);
    this.blend();
    this.fit(pixels.after);
    if (isFrame) {
      this.stack.classList.remove("crisp");
    }
    this.nameIt(name);
    delete this.section.dataset.busy;
    this.arrange();
    if (reveals) {
      this.stack.classList.remove("reveal");
      void this.stack.offsetWidth; // begins the animation anew
      this.stack.classList.add("reveal");
    }
    this.section.hidden = false;
  }

  /** Shows nothing. */
  hide() {
    this.pixels = null;
    this.section.hidden = true;
    delete this.section.dataset.busy;
  }

  /** Draws the translation as strongly as was chosen. */
  blend() {
    this.frameRequest = null;
    if (this.pixels) {
      drawBlend(this.pixels, this.share, this.after, this.before);
    }
  }

  /** Shows what there is on each other or side by side, as was chosen. */
  arrange() {
    const isSideBySide = this.side.getAttribute("aria-pressed") === "true";
    if (this.isDrawing) {
      this.stack.dataset.show = "after";
    } else if (this.pixels) {
      this.stack.dataset.show = isSideBySide ? "both" : "slider";
    }
    this.side.hidden = this.isDrawing;
  }

  /** Gives the pictures the room that their proportions need. */
  fit({ width, height }) {
    this.section.style.setProperty("--ratio", width / height);
    this.stack.classList.toggle("crisp", Math.max(width, height) <= CRISP_SIDE);
    this.stack.classList.toggle("wide", width / height >= WIDE);
  }

  /**
   * Names both pictures for those who cannot see them.
   *
   * @param {string} name of the picture.
   */
  nameIt(name) {
    this.before.setAttribute("aria-label", text("result.before_picture", { name }));
    this.after.setAttribute("aria-label", text("result.after_picture", { name }));
  }

  /** Writes the strength in the language at hand. */
  writeStrength() {
    const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
    const words = percent.format(this.strength.value / 100);
    document.getElementById("strength-text").textContent = words;
    this.strength.setAttribute("aria-valuetext", words);
  }
}
