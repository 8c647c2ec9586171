// The visitor's pictures: they come in, are translated one after another, are looked at, and are saved.

import { Item } from "./gallery.js";
import { countTranslation, hideError, say, showError, showStage } from "./messages.js";
import { deviceWords } from "./model.js";
import { readPicture } from "./pictures.js";
import { drawBlend, encodeCanvas, freeCanvas, packPixels, resultName, resultType } from "./saving.js";
import { saveFile, unpackPixels } from "./saving.js";
import { durationText, text } from "./strings.js";

const UNREADABLE = ["error.no_picture", "error.heic"]; // trying again helps nothing
const SAVE_PAUSE_MS = 300; // browsers drop downloads that follow each other at once

/** The visitor's pictures, and which one of them is looked at. */
export class Album {
  /**
   * @param {object} parts of the page
   * @param {import("./model.js").Model} parts.model
   * @param {import("./settings.js").Settings} parts.settings
   * @param {import("./view.js").View} parts.view
   * @param {import("./gallery.js").Gallery} parts.gallery
   * @param {import("./queue.js").Queue} parts.queue
   */
  constructor({ model, settings, view, gallery, queue }) {
    this.model = model;
    this.settings = settings;
    this.view = view;
    this.gallery = gallery;
    this.queue = queue;
    /** Counts the settings: a result of an earlier count is made anew when it is looked at. */
    this.version = 1;
    /** The picture that was looked at last. */
    this.chosen = null;
    /** Pictures that came together, the first of which is shown, until the visitor chooses one. */
    this.arrivals = [];
    queue.add(this);
  }

  /** The picture that is looked at; null while a drawing or the camera is. */
  get shown() {
    return this.view.owner === this ? this.chosen : null;
  }

  // ---- pictures come in ----

  /**
   * Adds pictures and shows the first one that can be shown.
   *
   * @param {{ blob: Blob, name: string }[]} pictures at least one; some may be no pictures.
   */
  add(pictures) {
    const items = pictures.map(({ blob, name }) => new Item(blob, name));
    for (const item of items) {
      this.gallery.add(item);
    }
    this.arrivals = items;
    this.look(items[0]).catch(showError);
  }

  /** Removes the picture that is looked at, and shows the next one. There are two at least. */
  remove() {
    const { items } = this.gallery;
    const place = items.indexOf(this.shown);
    if (place === -1) {
      return;
    }
    this.gallery.remove(items[place]);
    this.chosen = null;
    this.choose(items[place + 1] ?? items[place - 1]);
  }

  /** Makes all results those of earlier settings. */
  renew() {
    this.version += 1;
  }

  // ---- they are translated ----

  nextTask() {
    const { shown } = this;
    const isDue = shown !== null && shown.version !== this.version;
    const item = isDue ? shown : this.gallery.items.find(({ state }) => state === "waiting");
    return item ? () => this.translate(item) : null;
  }

  async translate(item) {
    const { version } = this;
    item.state = "working";
    item.error = null;
    item.packed = null;
    this.gallery.update(item);
    showStage(this.stageWords(item));
    if (item === this.shown) {
      hideError();
      say("");
    }
    let result = null;
    try {
      const { target } = this.settings.direction;
      const picture = await readPicture(item.blob);
      await this.gallery.draw(item, picture.image);
      if (item === this.shown && !this.view.pixels) {
        this.view.showOriginal(picture.image, item.name);
        this.view.setMode("picture");
      }
      const answer = await this.model.translate(picture.image, this.settings.translation);
      result = resultOf(picture, answer, target);
      await this.gallery.draw(item, result.pixels.after);
    } catch (error) {
      item.error = error;
    }
    if (version !== this.version) {
      item.state = "waiting"; // other settings were chosen meanwhile
      this.gallery.update(item);
      return;
    }
    item.version = version;
    item.state = result ? "done" : "failed";
    item.pixels = result?.pixels ?? null;
    item.facts = result?.facts ?? null;
    this.gallery.update(item);
    const next = this.arrivals.find(({ state }) => state !== "failed");
    if (item === this.shown && item.state === "failed" && this.arrivals.includes(item) && next) {
      this.look(next).catch(showError); // the strip shows that this one failed
    } else if (item === this.shown) {
      this.show(item, { reveals: true });
    } else {
      await this.pack(item);
    }
    if (result) {
      countTranslation(result.facts.ms);
    }
  }

  stageWords(item) {
    const { items } = this.gallery;
    if (items.length < 2) {
      return text("status.translating");
    }
    return text("status.translating_many", { number: items.indexOf(item) + 1, count: items.length });
  }

  /** Keeps a result as files instead of pixels, which are ten times as large. */
  async pack(item) {
    if (item.pixels && !item.packed) {
      const { before, after } = item.pixels;
      const { isPictureItself } = item.facts;
      try {
        const packed = {
          before: isPictureItself ? null : await packPixels(before),
          after: await packPixels(after),
        };
        if (item.pixels?.after === after) {
          item.packed = packed;
        }
      } catch {
        item.version = 0; // it is made anew when it is looked at
      }
    }
    if (item !== this.shown) {
      item.pixels = null;
    }
  }

  async unpack(item) {
    const { before, after } = item.packed;
    return {
      before: before ? await unpackPixels(before) : (await readPicture(item.blob)).image,
      after: await unpackPixels(after),
    };
  }

  // ---- one of them is looked at ----

  /**
   * Shows a picture that the visitor has chosen.
   *
   * @param {Item} item
   */
  choose(item) {
    this.arrivals = [];
    this.look(item).catch(showError);
  }

  /**
   * Shows a picture: its result if that is up to date, and else the original until it is translated.
   *
   * @param {Item} item
   */
  async look(item) {
    const last = this.chosen;
    const isNew = item !== this.shown;
    this.chosen = item;
    this.view.take(this);
    this.gallery.mark(item);
    hideError();
    if (isNew) {
      this.view.pixels = null;
    }
    if (last && last !== item) {
      this.pack(last);
    }
    const isUpToDate = item.version === this.version;
    if (isUpToDate && item.state === "done") {
      const { version } = this;
      const pixels = item.pixels ?? (await this.unpack(item));
      if (item === this.shown && version === this.version) {
        item.pixels = pixels;
        this.show(item);
      }
    } else if (isUpToDate && item.state === "failed") {
      this.show(item);
    } else {
      this.view.hide();
      this.view.setMode("picture");
      const mustWait = !this.model.loaded || this.queue.isRunning;
      say(document.body.dataset.state === "loading" ? "status.waiting" : "");
      await Promise.all([this.queue.run(), mustWait ? this.preview(item) : null]);
    }
  }

  /** Shows the original of a picture while the model, or another picture, is in the way. */
  async preview(item) {
    try {
      const { image } = await readPicture(item.blob);
      if (item === this.shown && !this.view.pixels && ["waiting", "working"].includes(item.state)) {
        this.view.showOriginal(image, item.name);
        await this.gallery.draw(item, image);
      }
    } catch {
      // translate() says it
    }
  }

  show(item, { reveals = false } = {}) {
    if (item.state === "failed") {
      this.view.hide();
      this.view.setMode("empty");
      say("status.failed");
      showError(item.error, UNREADABLE.includes(item.error.key) ? null : () => this.retry(item));
      return;
    }
    const { width, height, ms, device, isShrunk } = item.facts;
    this.view.show(item.pixels, item.name, { reveals });
    this.view.setMode("picture");
    const key = isShrunk ? "status.shrunk" : "status.done";
    say(key, () => ({ time: durationText(ms), device: deviceWords(device), width, height }));
  }

  /** Translates a picture once more, such as after other pages have left it more memory. */
  retry(item) {
    item.version = 0;
    this.choose(item);
  }

  /** Shows the picture that was looked at last. */
  comeBack() {
    this.look(this.chosen).catch(showError);
  }

  /** Leaves the middle of the page to another part of it. */
  leave() {
    this.gallery.mark(null);
    this.pack(this.chosen);
  }

  // ---- they are saved ----

  /** Saves all results, after those of earlier settings were made anew, if there is a model. */
  async saveAll() {
    for (const item of this.gallery.items) {
      if (item.version !== this.version && item.state !== "working") {
        item.state = "waiting";
        this.gallery.update(item);
      }
    }
    await this.model.loading;
    await this.queue.run();
    for (const item of this.gallery.items) {
      const isMade = item.version === this.version && item.state === "done";
      const isAllThereIs = this.model.loaded === null && (item.pixels || item.packed);
      if (isMade || isAllThereIs) {
        await this.save(item);
        await new Promise((resolve) => setTimeout(resolve, SAVE_PAUSE_MS));
      }
    }
  }

  async save(item) {
    const pixels = item.pixels ?? (await this.unpack(item));
    const type = resultType(item.type);
    const canvas = drawBlend(pixels, this.view.share);
    const blob = await encodeCanvas(canvas, type);
    freeCanvas(canvas);
    saveFile(blob, resultName(item.name, item.facts.target, type));
  }
}

function resultOf(picture, { before, after, ms, device }, target) {
  const { width, height } = after;
  const isPictureItself = before.width === picture.image.width && before.height === picture.image.height;
  return {
    pixels: { before, after },
    facts: { width, height, ms, device, target, isShrunk: picture.shrunk, isPictureItself },
  };
}
