// How pictures come in: chosen, dropped anywhere, pasted, or one of the examples.

import { translateElements } from "./strings.js";

const DRAG_OVER_MS = 500; // browsers say at least every 350 ms that something is dragged over the page

/**
 * Connects everything by which a visitor can give pictures.
 *
 * @param {(files: File[]) => void} onFiles gets at least one file; some may be no pictures.
 */
export function connectIntake(onFiles) {
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
    if (!event.dataTransfer.types.includes("Files")) {
      return;
    }
    event.preventDefault();
    drop.hidden = false;
    clearTimeout(hiding);
    // Not when the pointer leaves: browsers differ in how they say that it left the window.
    hiding = setTimeout(() => {
      drop.hidden = true;
    }, DRAG_OVER_MS);
  });
  addEventListener("drop", (event) => {
    drop.hidden = true;
    if (event.dataTransfer.files.length > 0) {
      event.preventDefault();
      give(event.dataTransfer.files);
    }
  });
}

/**
 * Shows the examples as buttons.
 *
 * @param {{ path: string, name: string }[]} examples
 * @param {(path: string) => Promise<Blob>} read gets an example's file.
 * @param {(blob: Blob, name: string) => Promise<void>} onChoose
 * @param {(error: Error) => void} onError
 */
export function showExamples(examples, read, onChoose, onError) {
  document.getElementById("try").hidden = examples.length === 0;
  const list = document.getElementById("examples");
  for (const example of examples) {
    const image = document.createElement("img");
    image.dataset.alt = "pick.example";
    image.dataset.name = example.name;
    image.width = 72;
    image.height = 72;
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
    read(example.path).then(
      (blob) => {
        image.src = URL.createObjectURL(blob);
      },
      (error) => {
        entry.remove();
        onError(error);
      },
    );
  }
}
