// One translation after another, whoever wants one.

import { hideStage, showError } from "./messages.js";

/** Runs what the parts of the page want translated, one at a time, as long as something is wanted. */
export class Queue {
  /**
   * @param {() => boolean} isOpen says whether anything can be translated just now.
   */
  constructor(isOpen) {
    this.isOpen = isOpen;
    this.parts = [];
    this.running = null;
  }

  /**
   * Lets a part of the page be asked what it wants translated. Parts that came earlier go first.
   *
   * @param {{ nextTask: () => (() => Promise<void>) | null }} part
   */
  add(part) {
    this.parts.push(part);
  }

  /** Whether something is being translated. */
  get isRunning() {
    return this.running !== null;
  }

  /**
   * Translates until nothing is wanted. To be called whenever something new is.
   *
   * @returns {Promise<void>} when nothing is left, or nothing can be translated.
   */
  run() {
    this.running ??= this.runTasks();
    return this.running;
  }

  async runTasks() {
    document.body.dataset.working = "true";
    try {
      await null; // `running` is set before the first task, so that no second run begins within it
      for (let task = this.nextTask(); task; task = this.nextTask()) {
        await task();
      }
    } catch (error) {
      showError(error);
    } finally {
      this.running = null;
      document.body.dataset.working = "false";
      if (this.isOpen()) {
        hideStage(); // else it is that of the next model
      }
    }
  }

  nextTask() {
    if (!this.isOpen()) {
      return null;
    }
    for (const part of this.parts) {
      const task = part.nextTask();
      if (task) {
        return task;
      }
    }
    return null;
  }
}
