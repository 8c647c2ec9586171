// What the page says while it works: a status that is read aloud, a stage that is not, and errors.

import { PageError, text } from "./strings.js";

const SHOWN_AFTER_MS = 150; // a stage that is over sooner would only flicker
const MENDED_BY_RELOAD = ["error.updated", "error.file_changed"];

let stageTimer = null;
let lastStatus = null;
let lastError = null;
let onRetry = null;

/** Connects the button by which something that failed is tried again. */
export function connectMessages() {
  document.getElementById("retry").addEventListener("click", () => {
    document.getElementById("status").focus(); // the button, which has the focus, goes away
    onRetry();
  });
}

/**
 * Says what is the case, also to those who cannot see it.
 *
 * @param {string} key of a string, or "" for nothing.
 * @param {() => Object<string, string | number>} values of its placeholders, in the language at hand.
 */
export function say(key, values = () => ({})) {
  lastStatus = { key, values };
  const words = key === "" ? "" : text(key, values());
  const status = document.getElementById("status");
  if (status.textContent !== words) {
    status.textContent = words;
  }
}

/** Says the status and the error once more, in the language at hand. */
export function sayAgain() {
  if (lastStatus) {
    say(lastStatus.key, lastStatus.values);
  }
  if (lastError) {
    document.getElementById("error-text").textContent = errorWords(lastError);
  }
}

/**
 * Shows what is being done. It is not read aloud, because it changes often.
 *
 * @param {string} words
 * @param {number | null} share done, from 0 to 1; null where it is unknown.
 */
export function showStage(words, share = null) {
  document.getElementById("what").textContent = words;
  const progress = document.getElementById("progress");
  if (share === null) {
    progress.removeAttribute("value");
  } else {
    progress.value = share;
  }
  const work = document.getElementById("work");
  if (work.hidden && stageTimer === null) {
    stageTimer = setTimeout(() => {
      work.hidden = false;
    }, SHOWN_AFTER_MS);
  }
}

/** Shows that nothing is being done. */
export function hideStage() {
  clearTimeout(stageTimer);
  stageTimer = null;
  document.getElementById("work").hidden = true;
}

/**
 * Notes in the document that one more translation was made and how long that took, for tests and benchmarks.
 *
 * @param {number} milliseconds
 */
export function countTranslation(milliseconds) {
  const { dataset } = document.body;
  dataset.milliseconds = milliseconds;
  dataset.done = Number(dataset.done) + 1;
}

/**
 * Shows an error in words, with a button where something helps.
 *
 * @param {Error} error
 * @param {(() => void) | null} retry what "Try again" does; null where trying again helps nothing.
 */
export function showError(error, retry = null) {
  if (!(error instanceof PageError)) {
    console.error(error);
  }
  lastError = error;
  const needsReload = MENDED_BY_RELOAD.includes(error.key);
  onRetry = needsReload ? () => location.reload() : retry;
  document.getElementById("error-text").textContent = errorWords(error);
  const button = document.getElementById("retry");
  button.dataset.text = needsReload ? "error.reload" : "error.retry";
  button.textContent = text(button.dataset.text);
  button.hidden = onRetry === null;
  const box = document.getElementById("error");
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" }); // it may stand below a drawing
}

/** Takes back an error of what was looked at before; that there is no model stays until one is on its way. */
export function hideError() {
  if (document.body.dataset.state === "failed") {
    return;
  }
  lastError = null;
  document.getElementById("error").hidden = true;
}

/**
 * Says an error in words.
 *
 * @param {Error} error
 * @returns {string}
 */
export function errorWords(error) {
  if (error instanceof PageError) {
    return text(error.key, error.values);
  }
  return text("error.unexpected", { message: error.message });
}
