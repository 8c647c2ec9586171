// The camera: opens it, changes to another one, and takes frames.

import { PageError } from "./strings.js";

/** A camera that shows itself in a video element. */
export class Camera {
  /**
   * @param {HTMLVideoElement} video
   * @param {() => void} onLost is called when an open camera ends: it was pulled out, or forbidden.
   */
  constructor(video, onLost) {
    this.video = video;
    this.onLost = onLost;
    this.stream = null;
    this.openings = 0; // counts how often the camera was opened or closed
    this.devices = [];
    this.chosen = null;
  }

  /** Whether there is another camera to change to. */
  get hasOthers() {
    return this.devices.length > 1;
  }

  /**
   * Opens a camera: the one on the back of a phone at first.
   *
   * @returns {Promise<boolean>} whether it is open; false if it was closed, or opened once more, meanwhile.
   * @throws {PageError} the page is not secure, or the camera is blocked, absent or busy.
   */
  async open() {
    this.close();
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new PageError(window.isSecureContext ? "camera.absent" : "camera.insecure");
    }
    const which = this.chosen === null ? { facingMode: "environment" } : { deviceId: { exact: this.chosen } };
    const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
    const { openings } = this;
    let stream = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video });
      const devices = await navigator.mediaDevices.enumerateDevices();
      if (openings !== this.openings) {
        stopStream(stream);
        return false;
      }
      const [track] = stream.getVideoTracks();
      track.addEventListener("ended", this.onLost);
      this.stream = stream;
      this.devices = devices.filter((device) => device.kind === "videoinput");
      this.chosen = track.getSettings().deviceId ?? null;
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      stopStream(stream);
      if (openings !== this.openings) {
        return false;
      }
      this.close();
      this.chosen = null; // it may be gone
      throw cameraError(error);
    }
    return openings === this.openings;
  }

  /**
   * Changes to the next camera.
   *
   * @returns {Promise<boolean>} as `open`.
   * @throws {PageError} as `open`.
   */
  openNext() {
    const at = this.devices.findIndex((device) => device.deviceId === this.chosen);
    this.chosen = this.devices[(at + 1) % this.devices.length].deviceId;
    return this.open();
  }

  /** Switches the camera off. */
  close() {
    this.openings += 1;
    stopStream(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  /**
   * Takes a frame.
   *
   * @param {number} longestSide at most, in px; Infinity keeps the camera's size.
   * @returns {HTMLCanvasElement}
   */
  frame(longestSide) {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, longestSide / Math.max(videoWidth, videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(videoWidth * scale));
    canvas.height = Math.max(1, Math.round(videoHeight * scale));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
}

function stopStream(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.stop();
  }
}

function cameraError(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") {
    return new PageError("camera.denied");
  }
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") {
    return new PageError("camera.absent");
  }
  return new PageError("camera.busy");
}
