// The visitor's pictures: what is known of each, and the strip of thumbnails.

import { errorWords } from "./messages.js";
import { text } from "./strings.js";

const THUMBNAIL_SIDE = 144; // px; shown at half of it, for screens of high density

/** One picture of the visitor's. */
export class Item {
  /**
   * @param {Blob} blob the picture as it was given.
   * @param {string} name of its file, with or without an extension.
   */
  constructor(blob, name) {
    this.blob = blob;
    this.name = name;
    this.type = blob.type;
    /** @type {"waiting" | "working" | "done" | "failed"} */
    this.state = "waiting";
    /** Which settings the result was made with; 0 is none. */
    this.version = 0;
    /** The error, where it failed. */
    this.error = null;
    /** `{ before, after }` as ImageData while it is looked at, else null. */
    this.pixels = null;
    /** `{ before, after }` as blobs while others are looked at; `before` is null if it equals `blob`. */
    this.packed = null;
    /** Of the result: its size, what computed it and how long, what it was translated into; see album.js. */
    this.facts = null;
  }
}

/** The strip of thumbnails, which appears with the second picture. */
export class Gallery {
  /**
   * @param {(item: Item) => void} onSelect is called when a thumbnail is clicked.
   */
  constructor(onSelect) {
    this.strip = document.getElementById("strip");
    this.list = document.getElementById("gallery");
    this.onSelect = onSelect;
    /** @type {Map<Item, HTMLButtonElement>} */
    this.buttons = new Map();
  }

  /** The pictures in the order in which they came. */
  get items() {
    return [...this.buttons.keys()];
  }

  /**
   * Adds a picture at the end.
   *
   * @param {Item} item
   */
  add(item) {
    const button = document.createElement("button");
    button.type = "button";
    const canvas = document.createElement("canvas");
    canvas.width = THUMBNAIL_SIDE;
    canvas.height = THUMBNAIL_SIDE;
    button.append(canvas);
    button.addEventListener("click", () => this.onSelect(item));
    const entry = document.createElement("li");
    entry.append(button);
    this.list.append(entry);
    this.buttons.set(item, button);
    this.strip.hidden = this.buttons.size < 2;
    this.update(item);
  }

  /**
   * Takes a picture out.
   *
   * @param {Item} item
   */
  remove(item) {
    this.buttons.get(item).closest("li").remove();
    this.buttons.delete(item);
    this.strip.hidden = this.buttons.size < 2;
  }

  /**
   * Shows the state of a picture.
   *
   * @param {Item} item
   */
  update(item) {
    const button = this.buttons.get(item);
    if (!button) {
      return;
    }
    button.dataset.state = item.state;
    button.setAttribute("aria-label", stateText(item));
    button.title = item.state === "failed" ? errorWords(item.error) : "";
  }

  /** Says the states of all pictures in the language at hand. */
  translate() {
    for (const item of this.items) {
      this.update(item);
    }
  }

  /**
   * Marks the picture that is looked at.
   *
   * @param {Item | null} shown
   */
  mark(shown) {
    for (const [item, button] of this.buttons) {
      if (item === shown) {
        button.setAttribute("aria-current", "true");
        button.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else {
        button.removeAttribute("aria-current");
      }
    }
  }

  /**
   * Draws a thumbnail, cut to a square.
   *
   * @param {Item} item
   * @param {ImageData} image its translation, or the original while there is none.
   */
  async draw(item, image) {
    const canvas = this.buttons.get(item)?.querySelector("canvas");
    if (!canvas) {
      return;
    }
    const side = Math.min(image.width, image.height);
    const left = Math.floor((image.width - side) / 2);
    const top = Math.floor((image.height - side) / 2);
    const bitmap = await createImageBitmap(image, left, top, side, side, {
      resizeWidth: THUMBNAIL_SIDE,
      resizeHeight: THUMBNAIL_SIDE,
      resizeQuality: "high",
    });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
  }
}

function stateText(item) {
  const { name } = item;
  if (item.state === "failed") {
    return text("gallery.failed", { name, words: errorWords(item.error) });
  }
  if (item.state === "done") {
    return text("gallery.done", { name });
  }
  if (item.state === "working") {
    return text("gallery.working", { name });
  }
  return text("gallery.waiting", { name });
}
