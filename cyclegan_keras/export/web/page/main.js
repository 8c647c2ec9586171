// The page: pictures come in, the engine translates them one after another, the view shows one of them.

import { fillAbout } from "./about.js";
import { readAsset } from "./assets.js";
import { Camera } from "./camera.js";
import { createDrawing } from "./drawing.js";
import { startEngine } from "./engine.js";
import { Gallery, Item } from "./gallery.js";
import { connectIntake, showExamples } from "./intake.js";
import { connectMessages, hideError, hideStage, say, sayAgain, showError, showStage } from "./messages.js";
import { finishOffline, startServiceWorker } from "./offline.js";
import { readPicture } from "./pictures.js";
import { canShareFiles, drawBlend, encodeCanvas, packPixels, resultName, resultType } from "./saving.js";
import { saveFile, shareFile, unpackPixels } from "./saving.js";
import { Settings } from "./settings.js";
import { durationText, megabytesText, startLanguage, text } from "./strings.js";
import { View } from "./view.js";

const LIVE_SIDE = 640; // px of a camera's frame; networks see 256 to 512
const LIVE_DRAWING_MS = 250; // a slower model translates a stroke when it is done, not while it is drawn
const SAVE_PAUSE_MS = 300; // browsers drop downloads that follow each other at once

const about = JSON.parse(document.getElementById("about").textContent);
const query = new URLSearchParams(location.search);

startLanguage();
const view = new View();
const gallery = new Gallery((item) => look(item).catch(showError));
const camera = new Camera(document.getElementById("video"));
const settings = new Settings(about, settingsChanged);

let engine = null;
let loaded = null; // what engine.load returned, while the model of the settings is ready
let loadWish = 0; // counts the models that were asked for
let version = 1; // counts the settings; a result of an earlier one is made anew when it is looked at
let shown = null; // the item that is looked at
let drawing = null; // the canvas of the drawing, where that is looked at
let hasNewDrawing = false;
let board = null; // what createDrawing returned, where the direction has a drawing
let isLive = false;
let isWorking = false;

// ---- the model ----

async function start() {
  document.body.dataset.state = "loading";
  say("status.starting");
  await startServiceWorker(about);
  try {
    engine = await startEngine({ about, build: query.get("build"), onProgress: showProgress });
  } catch (error) {
    fail(error, start);
    return;
  }
  settings.setDevice(engine.device);
  await loadModel();
}

async function loadModel() {
  loadWish += 1;
  const wish = loadWish;
  loaded = null;
  version += 1;
  document.body.dataset.state = "loading";
  if (!engine) {
    return; // start() loads what the settings say by then
  }
  hideError();
  say(shown ? "status.waiting" : "status.starting");
  showStage(text("work.preparing"));
  try {
    const answer = await engine.load({ file: settings.file, accelerator: settings.accelerator });
    if (wish !== loadWish) {
      return; // another one was chosen meanwhile
    }
    loaded = answer;
  } catch (error) {
    if (wish === loadWish) {
      fail(error, loadModel);
    }
    return;
  }
  hideStage();
  settings.setFallbackReason(loaded.reason);
  document.body.dataset.check = loaded.checkError ?? "";
  document.body.dataset.state = "ready";
  const device = loaded;
  say("status.ready", () => ({ device: deviceWords(device) }));
  work();
  document.body.dataset.offline = String(await finishOffline(about));
}

function showProgress({ what, received, total }) {
  const values = { received: megabytesText(received), total: megabytesText(total ?? 0) };
  const isKnown = Boolean(total) && received <= total;
  const size = text(isKnown ? "work.size_of" : "work.size", values);
  const words = what === "runtime" ? text("work.runtime", { size }) : text("work.model", { size });
  showStage(words, isKnown ? received / total : null);
}

function fail(error, retry) {
  hideStage();
  say("");
  document.body.dataset.state = "failed";
  showError(error, retry);
}

function deviceWords({ accelerator, threads }) {
  if (accelerator === "webgpu") {
    return text("device.graphics");
  }
  return threads > 1 ? text("device.threads", { threads }) : text("device.processor");
}

function settingsChanged(what) {
  if (what === "language") {
    translateAll();
    return;
  }
  arrangeDirection();
  hasNewDrawing = drawing !== null;
  if (what === "model") {
    loadModel();
    return;
  }
  version += 1;
  work();
}

function translateAll() {
  fillAbout(about);
  gallery.translate();
  view.writeStrength();
  if (shown) {
    view.nameIt(shown.name);
  }
  sayAgain();
}

// ---- translating ----

/** Translates, one after another, the drawing, the picture that is looked at, and those that wait. */
async function work() {
  if (isWorking) {
    return;
  }
  setWorking(true);
  try {
    while (loaded && !isLive) {
      const item = nextItem();
      if (drawing && hasNewDrawing) {
        await translateDrawing();
      } else if (item) {
        await translateItem(item);
      } else {
        break;
      }
    }
  } catch (error) {
    showError(error);
  } finally {
    setWorking(false);
    if (loaded) {
      hideStage(); // else it is that of the next model
    }
  }
}

function setWorking(works) {
  isWorking = works;
  document.body.dataset.working = String(works);
}

function nextItem() {
  if (shown && shown.version !== version) {
    return shown;
  }
  return gallery.items.find((item) => item.state === "waiting") ?? null;
}

async function translateItem(item) {
  item.version = version;
  item.state = "working";
  item.error = null;
  item.packed = null;
  gallery.update(item);
  showStage(stageWords(item));
  if (item === shown) {
    hideError();
    say("");
  }
  try {
    const picture = await readPicture(item.blob);
    await gallery.draw(item, picture.image);
    if (item === shown && !view.pixels) {
      view.showOriginal(picture.image, item.name);
      setMode("picture");
    }
    const answer = await engine.translate(picture.image, settings.translation);
    const { before, after, ms, device } = answer;
    const isPictureItself = before.width === picture.image.width && before.height === picture.image.height;
    item.pixels = { before, after };
    const { width, height } = after;
    item.facts = { width, height, ms, device, shrunk: picture.shrunk, isPictureItself };
    item.state = "done";
    await gallery.draw(item, after);
    document.body.dataset.milliseconds = ms;
  } catch (error) {
    item.pixels = null;
    item.state = "failed";
    item.error = error;
  }
  gallery.update(item);
  if (item === shown) {
    showItem(item, { reveals: true });
  } else {
    await pack(item);
  }
  if (item.state === "done") {
    countDone();
  }
}

function stageWords(item) {
  const { items } = gallery;
  if (items.length < 2) {
    return text("status.translating");
  }
  return text("status.translating_many", { number: items.indexOf(item) + 1, count: items.length });
}

function countDone() {
  document.body.dataset.done = String(Number(document.body.dataset.done) + 1);
}

/** Keeps a result as files instead of pixels, which are ten times as large. */
async function pack(item) {
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
  if (item !== shown) {
    item.pixels = null;
  }
}

async function unpackItem(item) {
  const { before, after } = item.packed;
  return {
    before: before ? await unpackPixels(before) : (await readPicture(item.blob)).image,
    after: await unpackPixels(after),
  };
}

// ---- the picture that is looked at ----

/** Shows an item: its result if that is up to date, and else the original until it is translated. */
async function look(item) {
  const last = shown;
  shown = item;
  drawing = null;
  gallery.mark(item);
  const hasFailed = document.body.dataset.state === "failed";
  if (!hasFailed) {
    hideError(); // of another picture; that there is no model stays true
  }
  if (last && last !== item) {
    view.pixels = null;
    pack(last);
  }
  if (item.version === version && item.state === "done") {
    item.pixels ??= await unpackItem(item);
    if (shown === item) {
      showItem(item);
    }
  } else if (item.state === "failed" && item.version === version) {
    showItem(item);
  } else {
    view.hide();
    setMode("picture");
    say(loaded || hasFailed ? "" : "status.waiting");
    await Promise.all([work(), loaded ? null : preview(item)]);
  }
}

/** Shows the original of an item while the model is on its way. */
async function preview(item) {
  try {
    const { image } = await readPicture(item.blob);
    if (item === shown && item.state === "waiting") {
      view.showOriginal(image, item.name);
      await gallery.draw(item, image);
    }
  } catch {
    // translateItem says it
  }
}

function showItem(item, { reveals = false } = {}) {
  if (item.state === "failed") {
    view.hide();
    setMode("empty");
    say("status.failed");
    showError(item.error);
    return;
  }
  const { width, height, ms, device, shrunk } = item.facts;
  view.show(item.pixels, item.name, { reveals });
  setMode("picture");
  const key = shrunk ? "status.shrunk" : "status.done";
  say(key, () => ({ time: durationText(ms), device: deviceWords(device), width, height }));
}

/** Tells the style sheet what stands in the middle: "empty", "picture", "drawing" or "camera". */
function setMode(mode) {
  document.body.dataset.mode = mode;
}

function addPictures(blobs) {
  closeCamera();
  const items = blobs.map(({ blob, name }) => new Item(blob, name));
  for (const item of items) {
    gallery.add(item);
  }
  look(items[0]).catch(showError);
}

function addFiles(files) {
  addPictures(files.map((file) => ({ blob: file, name: file.name })));
}

// ---- saving ----

async function resultFile() {
  const { name, type } = shown ?? { name: text("drawing.name"), type: "image/png" };
  const fileType = resultType(type);
  const blob = await encodeCanvas(view.after, fileType);
  return { blob, name: resultName(name, settings.direction.target, fileType) };
}

async function save() {
  const file = await resultFile();
  saveFile(file.blob, file.name);
}

async function share() {
  const file = await resultFile();
  await shareFile(file.blob, file.name);
}

async function saveAll() {
  const button = document.getElementById("save-all");
  button.disabled = true;
  try {
    for (const item of gallery.items) {
      await saveItem(item);
    }
  } finally {
    button.disabled = false;
  }
}

async function saveItem(item) {
  while (item.version !== version || item.state === "waiting" || item.state === "working") {
    if (document.body.dataset.state === "failed") {
      return;
    }
    if (item.state !== "working") {
      item.state = "waiting"; // once more, by the settings of now
      gallery.update(item);
    }
    await work();
    await pause(50); // the model may be on its way, or the page at work already
  }
  if (item.state === "failed") {
    return;
  }
  const pixels = item.pixels ?? (await unpackItem(item));
  const type = resultType(item.type);
  const blob = await encodeCanvas(drawBlend(pixels, view.share), type);
  saveFile(blob, resultName(item.name, settings.direction.target, type));
  await pause(SAVE_PAUSE_MS);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// ---- the camera ----

async function openCamera(open) {
  hideError();
  try {
    await open();
  } catch (error) {
    closeCamera();
    showError(error);
    return;
  }
  document.getElementById("flip").hidden = !camera.hasOthers;
  document.getElementById("live").hidden = false;
  view.hide();
  setMode("camera");
  setLive(document.getElementById("stream").getAttribute("aria-pressed") === "true");
}

function closeCamera() {
  if (!camera.isOpen) {
    return;
  }
  camera.close();
  isLive = false;
  document.getElementById("live").hidden = true;
  document.getElementById("live").classList.remove("translating");
  view.hide();
  setMode("empty");
  work(); // what came in meanwhile
}

async function setLive(wanted) {
  document.getElementById("stream").setAttribute("aria-pressed", String(wanted));
  const wasLive = isLive;
  isLive = wanted;
  if (!wanted) {
    document.getElementById("live").classList.remove("translating");
    view.hide();
  }
  if (wanted && !wasLive) {
    await translateFrames();
  }
}

async function translateFrames() {
  let saidFor = null;
  try {
    while (isLive && camera.isOpen) {
      await new Promise(requestAnimationFrame);
      if (!loaded || !camera.isOpen || camera.video.videoWidth === 0) {
        continue;
      }
      const device = loaded;
      const frame = camera.frame(LIVE_SIDE);
      const image = frame.getContext("2d").getImageData(0, 0, frame.width, frame.height);
      const answer = await engine.translate(image, { detail: false, ownSize: false, live: true });
      if (!answer || !isLive || !camera.isOpen) {
        continue;
      }
      document.getElementById("live").classList.add("translating");
      view.show(answer, text("camera.name"), { isFrame: true });
      document.body.dataset.milliseconds = answer.ms;
      countDone();
      if (saidFor !== device) {
        saidFor = device; // once, not with every frame
        const { ms, device: used } = answer;
        say("status.live", () => ({ time: durationText(ms), device: deviceWords(used) }));
      }
    }
  } catch (error) {
    closeCamera();
    showError(error);
  }
  isLive = false;
}

async function shoot() {
  const blob = await encodeCanvas(camera.frame(Infinity), "image/png");
  const name = text("camera.name");
  closeCamera();
  addPictures([{ blob, name }]);
}

// ---- drawing ----

/** Shows what the direction has: a canvas to draw on, a strength to choose. */
function arrangeDirection() {
  const { direction } = settings;
  view.offerStrength(direction.keeps_detail);
  const section = document.getElementById("drawing");
  const hasDrawing = direction.drawing !== null;
  document.body.classList.toggle("draws", hasDrawing);
  section.hidden = !hasDrawing;
  if (section.dataset.signature === direction.signature) {
    return;
  }
  section.dataset.signature = direction.signature;
  section.replaceChildren();
  if (drawing) {
    drawing = null;
    view.hide();
    setMode("empty");
  }
  board = null;
  const title = document.getElementById("intake-title");
  title.dataset.text = hasDrawing ? "pick.drawing_title" : "pick.title";
  title.textContent = text(title.dataset.text);
  if (hasDrawing) {
    const { width, height } = settings.file;
    board = createDrawing(section, direction.drawing, { text, width, height, onChange: drawn });
    drawFirstExample();
  }
}

/** Begins with a drawing that the page brings along, where it does. */
async function drawFirstExample() {
  const [example] = about.examples;
  const { direction } = settings;
  if (!example || direction !== about.directions[0]) {
    return; // examples are pictures of the first direction
  }
  try {
    await board.load(await readExample(example.path));
  } catch (error) {
    showError(error);
  }
}

function drawn(canvas, isDone) {
  const isSlow = Number(document.body.dataset.milliseconds ?? 0) > LIVE_DRAWING_MS;
  const isFirst = document.body.dataset.mode !== "drawing"; // its answer would move the sheet below the pen
  if (!isDone && (isSlow || isFirst)) {
    return;
  }
  closeCamera();
  drawing = canvas;
  shown = null;
  gallery.mark(null);
  hasNewDrawing = true;
  work();
}

async function translateDrawing() {
  hasNewDrawing = false;
  const canvas = drawing;
  const context = canvas.getContext("2d");
  try {
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    const answer = await engine.translate(image, { detail: false, ownSize: true });
    if (drawing !== canvas) {
      return;
    }
    hideError();
    view.show(answer, text("drawing.name"), { isDrawing: true });
    setMode("drawing");
    const { ms, device, after } = answer;
    const { width, height } = after;
    document.body.dataset.milliseconds = ms;
    countDone();
    say("status.done", () => ({ time: durationText(ms), device: deviceWords(device), width, height }));
  } catch (error) {
    showError(error);
  }
}

// ---- the page ----

function onClick(id, act) {
  document.getElementById(id).addEventListener("click", async () => {
    try {
      await act();
    } catch (error) {
      showError(error);
    }
  });
}

function openPage() {
  setMode("empty");
  connectMessages();
  fillAbout(about);
  arrangeDirection();
  connectIntake(addFiles);
  showExamples(about.examples, readExample, chooseExample, showError);
  onClick("download", save);
  onClick("share", share);
  document.getElementById("share").hidden = !canShareFiles();
  onClick("save-all", saveAll);
  onClick("camera", () => openCamera(() => camera.open()));
  onClick("flip", () => openCamera(() => camera.openNext()));
  onClick("stop", () => {
    closeCamera();
    document.getElementById("camera").focus();
    if (shown) {
      return look(shown);
    }
    return null;
  });
  onClick("stream", () => setLive(!isLive));
  onClick("shoot", shoot);
  addEventListener("pagehide", closeCamera);
  start();
}

function chooseExample(blob, name) {
  if (board) {
    board.load(blob).catch(showError);
  } else {
    addPictures([{ blob, name }]);
  }
}

async function readExample(path) {
  const type = path.endsWith(".png") ? "image/png" : "image/jpeg";
  return new Blob([await readAsset(path)], { type });
}

openPage();
