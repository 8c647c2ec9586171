// How pictures come in: chosen, dropped anywhere, pasted, or one of the examples.

import { isSingleFile } from "./assets.js";
import { PageError, translateElements } from "./strings.js";

const DRAG_OVER_MS = 500; // browsers say at least every 350 ms that something is dragged over the page
const MOST_OF_FOLDERS = 200; // files of folders that are dropped at once
const NEAR = "200px"; // from the window: examples so near come
const PICTURE_NAME = /\.(avif|bmp|gif|heic|heif|jpe?g|png|svg|webp)$/i;

/**
 * Connects everything by which a visitor can give pictures.
 *
 * @param {(files: File[]) => void} onFiles gets at least one file; some may be no pictures.
 * @param {(error: Error) => void} onError
 */
export function connectIntake(onFiles, onError) {
  const input = document.getElementById("file");
  const drop = document.getElementById("drop");

  function give(files) {
    if (files.length > 0) {
      onFiles([...files]);
    }
  }

  input.addEventListener("change", () => {
    give(input.files);
    input.value = ""; // the same file can be chosen once more
  });

  addEventListener("paste", (event) => give(event.clipboardData?.files ?? []));

  let hiding = null;
  addEventListener("dragover", (event) => {
    event.preventDefault(); // also of an address, to which the browser would go
    if (!event.dataTransfer.types.includes("Files")) {
      return;
    }
    drop.hidden = false;
    clearTimeout(hiding);
    // Not when the pointer leaves: browsers differ in how they say that it left the window.
    hiding = setTimeout(() => {
      drop.hidden = true;
    }, DRAG_OVER_MS);
  });
  addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.hidden = true;
    try {
      give(await droppedFiles(event.dataTransfer));
    } catch (error) {
      onError(error);
    }
  });
}

/**
 * Returns the files that were dropped, and the pictures of folders.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>} at least one
 * @throws {PageError} there is none.
 */
async function droppedFiles(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  // All is asked for at once: a moment later the browser no longer tells.
  const dropped = items.map((item) => ({ file: item.getAsFile(), entry: item.webkitGetAsEntry?.() }));
  const folders = dropped.map(({ entry }) => entry).filter((entry) => entry?.isDirectory);
  const files = dropped.filter(({ file, entry }) => file && !entry?.isDirectory).map(({ file }) => file);
  if (files.length + folders.length === 0) {
    throw new PageError("error.no_file");
  }
  const pictures = [];
  for (const folder of folders) {
    await collectPictures(folder, pictures);
  }
  if (files.length + pictures.length === 0) {
    throw new PageError("error.empty_folder", { name: folders[0].name });
  }
  return [...files, ...pictures];
}

/** Adds the pictures of a folder, and of those in it, to those that are there, up to a limit. */
async function collectPictures(folder, pictures) {
  const entries = await readFolder(folder);
  entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  for (const entry of entries) {
    if (pictures.length >= MOST_OF_FOLDERS) {
      return;
    }
    if (entry.isDirectory) {
      await collectPictures(entry, pictures);
    } else if (PICTURE_NAME.test(entry.name)) {
      pictures.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}

async function readFolder(folder) {
  const reader = folder.createReader();
  const entries = [];
  try {
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) {
        return entries;
      }
      entries.push(...some);
    }
  } catch {
    throw new PageError("error.folder", { name: folder.name }); // as where the page lies on a disk
  }
}

let watcher = null; // of the examples that are shown

/**
 * Shows examples as buttons, instead of those before. Their pictures come when they are about to be seen.
 *
 * @param {{ path: string, name: string }[]} examples
 * @param {object} options
 * @param {(path: string) => Promise<Blob>} options.read gets an example's file.
 * @param {(blob: Blob, name: string) => Promise<void>} options.onChoose
 * @param {(error: Error) => void} options.onError
 */
export function showExamples(examples, { read, onChoose, onError }) {
  document.getElementById("try").hidden = examples.length === 0;
  const list = document.getElementById("examples");
  list.replaceChildren();
  watcher?.disconnect();
  const paths = new Map();
  const come = (changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) {
        watcher.unobserve(target);
        showThumbnail(target, paths.get(target), read).catch(onError);
      }
    }
  };
  watcher = new IntersectionObserver(come, { rootMargin: NEAR });
  for (const example of examples) {
    const image = document.createElement("img");
    image.dataset.alt = "pick.example";
    image.dataset.name = example.name;
    image.width = 72;
    image.height = 72;
    image.draggable = false;
    const button = document.createElement("button");
    button.type = "button";
    button.append(image);
    const entry = document.createElement("li");
    entry.append(button);
    translateElements(entry);
    list.append(entry);
    button.addEventListener("click", async () => {
      try {
        await onChoose(await read(example.path), example.name);
      } catch (error) {
        onError(error);
      }
    });
    image.addEventListener("error", () => entry.remove());
    paths.set(image, example.path);
    watcher.observe(image);
  }
}

async function showThumbnail(image, path, read) {
  image.src = isSingleFile() ? URL.createObjectURL(await read(path)) : path;
}
