// The camera on the page: live translation of its frames, and a picture of one of them.

import { Camera } from "./camera.js";
import { countTranslation, hideError, say, showError } from "./messages.js";
import { deviceWords } from "./model.js";
import { encodeCanvas } from "./saving.js";
import { PageError, durationText, text } from "./strings.js";

const FRAME_SIDE = 640; // px of a camera's frame; networks see 256 to 512

/** The camera and what is done with its frames. */
export class Live {
  /**
   * @param {object} parts of the page
   * @param {import("./model.js").Model} parts.model
   * @param {import("./view.js").View} parts.view
   * @param {() => void} parts.onPause is called when frames are translated no longer.
   */
  constructor({ model, view, onPause }) {
    this.model = model;
    this.view = view;
    this.onPause = onPause;
    this.camera = new Camera(document.getElementById("video"), () => {
      this.close();
      showError(new PageError("camera.lost"));
    });
    this.section = document.getElementById("live");
    this.toggle = document.getElementById("stream");
    this.before = null; // the part of the page that comes back when the camera is closed
    this.films = 0; // counts how often translating frames began or ended
    /** Whether frames are translated as they come. */
    this.isOn = false;
  }

  /** Opens the camera. */
  open() {
    return this.show(() => this.camera.open());
  }

  /** Changes to another camera. */
  flip() {
    return this.show(() => this.camera.openNext());
  }

  async show(opening) {
    hideError();
    try {
      if (!(await opening())) {
        return; // it was closed while the visitor was asked for leave
      }
    } catch (error) {
      this.close();
      showError(error);
      return;
    }
    document.getElementById("flip").hidden = !this.camera.hasOthers;
    if (this.view.owner !== this) {
      this.before = this.view.owner;
      this.view.take(this);
      this.view.hide();
      this.view.setMode("camera");
      this.section.hidden = false;
      this.section.scrollIntoView({ block: "nearest" });
      document.getElementById("shoot").focus({ preventScroll: true });
    }
    this.setOn(this.toggle.getAttribute("aria-pressed") === "true");
  }

  /** Closes the camera; what was looked at before comes back. */
  close() {
    this.camera.close();
    if (this.view.owner === this) {
      this.view.release(this);
      this.before?.comeBack();
    }
  }

  /** Leaves the middle of the page to another part of it. */
  leave() {
    this.camera.close();
    this.setOn(false, { isRemembered: false });
    this.section.hidden = true;
  }

  /**
   * Translates frames as they come, or shows the camera as it is.
   *
   * @param {boolean} isOn
   * @param {object} options
   * @param {boolean} [options.isRemembered] for the next time that the camera is opened.
   */
  setOn(isOn, { isRemembered = true } = {}) {
    this.films += 1;
    this.isOn = isOn;
    if (isRemembered) {
      this.toggle.setAttribute("aria-pressed", String(isOn));
    }
    if (isOn) {
      this.translateFrames();
      return;
    }
    this.section.classList.remove("translating");
    this.view.hide();
    this.onPause();
  }

  async translateFrames() {
    const film = this.films;
    const { model, camera } = this;
    let saidFor = null;
    while (film === this.films) {
      await new Promise(requestAnimationFrame);
      const { loaded } = model;
      if (film !== this.films || !loaded || camera.video.videoWidth === 0) {
        continue;
      }
      let answer;
      try {
        const image = pixelsOfFrame(camera.frame(FRAME_SIDE));
        answer = await model.translate(image, { detail: false, ownSize: false, live: true });
      } catch (error) {
        if (film === this.films && loaded === model.loaded) {
          this.close();
          showError(error);
        }
        continue; // by another model, if one was chosen meanwhile
      }
      if (!answer || film !== this.films) {
        continue;
      }
      this.section.classList.add("translating");
      this.view.show(answer, text("camera.name"), { isFrame: true });
      countTranslation(answer.ms);
      if (saidFor !== loaded) {
        saidFor = loaded; // once, not with every frame
        const { ms, device } = answer;
        say("status.live", () => ({ time: durationText(ms), device: deviceWords(device) }));
      }
    }
  }

  /**
   * Takes a picture of what the camera sees.
   *
   * @returns {Promise<Blob>} a PNG file.
   * @throws {PageError} the browser has too little memory.
   */
  takePicture() {
    return encodeCanvas(this.camera.frame(Infinity), "image/png");
  }
}

function pixelsOfFrame(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}
