// The page. A picture comes in by the intake or the camera, the album has it translated by the model in its
// turn, and the view shows it.

import { fillAbout } from "./about.js";
import { Album } from "./album.js";
import { readAsset } from "./assets.js";
import { Gallery } from "./gallery.js";
import { connectIntake, showExamples } from "./intake.js";
import { Live } from "./live.js";
import { connectMessages, sayAgain, showError } from "./messages.js";
import { Model } from "./model.js";
import { Queue } from "./queue.js";
import { canShareFiles, encodeCanvas, resultName, resultType, saveFile, shareFile } from "./saving.js";
import { Settings } from "./settings.js";
import { Sketch } from "./sketch.js";
import { startLanguage, text } from "./strings.js";
import { View } from "./view.js";

const about = JSON.parse(document.getElementById("about").textContent);
const query = new URLSearchParams(location.search);

startLanguage();
const settings = new Settings(about, followSettings);
const model = new Model(about, settings, { build: query.get("build"), onReady: () => queue.run() });
const view = new View();
const gallery = new Gallery((item) => album.choose(item));
const live = new Live({ model, view, onPause: () => queue.run() });
const queue = new Queue(() => model.loaded !== null && !live.isOn);
const sketch = new Sketch({ model, settings, view, queue });
const album = new Album({ model, settings, view, gallery, queue });
let arrangedDirection = null; // whose examples are shown

function openPage() {
  connectMessages();
  fillAbout(about);
  arrangeDirection();
  connectIntake((files) => album.add(files.map((file) => ({ blob: file, name: file.name }))), showError);
  document.getElementById("share").hidden = !canShareFiles();
  onClick("download", saveResult);
  onClick("share", shareResult);
  onClick("save-all", saveAll);
  onClick("remove", removePicture);
  onClick("draw", returnToDrawing);
  onClick("camera", () => live.open());
  onClick("flip", () => live.flip());
  onClick("stop", closeCamera);
  onClick("stream", () => live.setOn(!live.isOn));
  onClick("shoot", shoot);
  addEventListener("pagehide", () => live.close());
  model.load();
}

function onClick(id, act) {
  document.getElementById(id).addEventListener("click", async () => {
    try {
      await act();
    } catch (error) {
      showError(error);
    }
  });
}

// ---- settings ----

function followSettings(what) {
  if (what === "language") {
    translatePage();
    return;
  }
  arrangeDirection();
  album.renew();
  sketch.renew();
  if (what === "model") {
    model.load(album.shown ? "status.waiting" : "status.starting");
  } else {
    queue.run();
  }
}

/** Shows what the direction has: a canvas to draw on, a strength to choose, examples. */
function arrangeDirection() {
  const { direction } = settings;
  view.offerStrength(direction.keeps_detail);
  sketch.arrange();
  if (arrangedDirection !== direction) {
    arrangedDirection = direction;
    const examples = about.examples.filter(({ domain }) => (domain ?? direction.domain) === direction.domain);
    showExamples(examples, { read: readExample, onChoose: chooseExample, onError: showError });
    drawFirstExample().catch(showError);
  }
}

function translatePage() {
  fillAbout(about);
  gallery.translate();
  view.writeStrength();
  sketch.board?.writeWords();
  if (album.shown) {
    view.nameIt(album.shown.name);
  } else if (sketch.isShown) {
    view.nameIt(text("drawing.name"));
  }
  sayAgain();
}

// ---- examples ----

async function chooseExample(blob, name) {
  if (sketch.board) {
    await sketch.load(blob);
  } else {
    album.add([{ blob, name }]);
  }
}

/** Begins with a drawing that the page brings along for the direction, where it does. */
async function drawFirstExample() {
  const { direction } = settings;
  const usual = about.directions[0].domain; // of examples whose domain nobody has named
  const example = about.examples.find(({ domain }) => (domain ?? usual) === direction.domain);
  if (!example || !sketch.board) {
    return;
  }
  const { changes } = sketch;
  const blob = await readExample(example.path);
  const isUntouched = changes === sketch.changes && (view.owner === null || sketch.isShown);
  if (isUntouched && settings.direction === direction) {
    await sketch.load(blob);
  }
}

async function readExample(path) {
  const type = path.endsWith(".png") ? "image/png" : "image/jpeg";
  return new Blob([await readAsset(path)], { type });
}

// ---- saving ----

async function resultFile() {
  const item = album.shown;
  const name = item ? item.name : text("drawing.name");
  const target = item ? item.facts.target : settings.direction.target;
  const type = resultType(item ? item.type : "image/png");
  const blob = await encodeCanvas(view.after, type);
  return { blob, name: resultName(name, target, type) };
}

async function saveResult() {
  const { blob, name } = await resultFile();
  saveFile(blob, name);
}

async function shareResult() {
  const { blob, name } = await resultFile();
  await shareFile(blob, name);
}

async function saveAll() {
  const button = document.getElementById("save-all");
  button.disabled = true;
  try {
    await album.saveAll();
  } finally {
    button.disabled = false;
  }
}

// ---- what stands in the middle ----

function removePicture() {
  album.remove();
  if (gallery.strip.hidden) {
    document.getElementById("file").focus(); // the button, which had the focus, is gone
  }
}

function closeCamera() {
  live.close();
  document.getElementById("camera").focus();
}

async function shoot() {
  const blob = await live.takePicture();
  album.add([{ blob, name: text("camera.name") }]);
  document.getElementById("camera").focus({ preventScroll: true });
}

function returnToDrawing() {
  sketch.comeBack();
  document.querySelector("#drawing canvas").focus();
}

openPage();
