// Computes beside the page, so that the page stays responsive. It fetches nothing: the page sends what it
// needs.

import { compileNetwork, graphicsCardLost, startRuntime } from "./network.js";
import { translateMadePicture, translatePicture } from "./translate.js";

const TASKS = { start: startTask, compile: compileTask, check: checkTask, translate: translateTask };
let queue = Promise.resolve();

self.addEventListener("message", ({ data }) => {
  queue = queue.then(() => answerTask(data));
});

/** Does what the page asks for, and answers under the same number. */
async function answerTask({ id, task, ...options }) {
  try {
    const { transfer = [], ...answer } = await TASKS[task](options);
    self.postMessage({ id, answer }, transfer);
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
}

async function startTask(options) {
  const gpu = await startRuntime(options);
  graphicsCardLost().then((reason) => self.postMessage({ lost: reason }));
  return { gpu };
}

async function compileTask({ bytes, accelerator }) {
  const began = performance.now();
  await compileNetwork(bytes, accelerator);
  return { compileMs: performance.now() - began };
}

async function checkTask() {
  return { means: await translateMadePicture() };
}

async function translateTask({ picture, detail, ownSize }) {
  const began = performance.now();
  const { before, after, networkMs } = await translatePicture(picture, { detail, ownSize });
  const transfer = [after.data.buffer];
  if (before) {
    transfer.push(before.data.buffer);
  }
  return { before, after, networkMs, ms: performance.now() - began, transfer };
}
