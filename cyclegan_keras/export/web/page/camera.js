// The camera: opens it, changes to another one, and takes frames.

import { PageError } from "./strings.js";

/** A camera that shows itself in a video element. */
export class Camera {
  /**
   * @param {HTMLVideoElement} video
   */
  constructor(video) {
    this.video = video;
    this.stream = null;
    this.devices = [];
    this.chosen = null;
  }

  /** Whether frames come. */
  get isOpen() {
    return this.stream !== null;
  }

  /** Whether there is another camera to change to. */
  get hasOthers() {
    return this.devices.length > 1;
  }

  /**
   * Opens a camera: the one on the back of a phone at first.
   *
   * @throws {PageError} the page is not secure, or the camera is blocked, absent or busy.
   */
  async open() {
    this.close();
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new PageError(window.isSecureContext ? "camera.absent" : "camera.insecure");
    }
    const which = this.chosen === null ? { facingMode: "environment" } : { deviceId: { exact: this.chosen } };
    const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video });
      this.video.srcObject = this.stream;
      await this.video.play();
    } catch (error) {
      this.close();
      throw cameraError(error);
    }
    const devices = await navigator.mediaDevices.enumerateDevices();
    this.devices = devices.filter((device) => device.kind === "videoinput");
    this.chosen = this.stream?.getVideoTracks()[0]?.getSettings().deviceId ?? null;
  }

  /**
   * Changes to the next camera.
   *
   * @throws {PageError} as `open`.
   */
  async openNext() {
    const at = this.devices.findIndex((device) => device.deviceId === this.chosen);
    this.chosen = this.devices[(at + 1) % this.devices.length].deviceId;
    await this.open();
  }

  /** Switches the camera off. */
  close() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.stop();
    }
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

function cameraError(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") {
    return new PageError("camera.denied");
  }
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") {
    return new PageError("camera.absent");
  }
  return new PageError("camera.busy");
}
