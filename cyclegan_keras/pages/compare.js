// The handle between two pictures that lie on each other, by mouse, finger and keys.

/**
 * Follows a pointer over an element. A finger that goes up or down scrolls and moves nothing.
 *
 * @param {HTMLElement} area whose width is the way from 0 to 1; buttons inside keep their clicks.
 * @param {() => boolean} isActive says whether the pointer counts just now.
 * @param {(share: number) => void} move gets where the pointer is, from 0 at the left to 1 at the right.
 */
function followPointer(area, isActive, move) {
  let start = null;
  let isSideways = false;

  function moveTo(event) {
    const box = area.getBoundingClientRect();
    move(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  }

  function end() {
    start = null;
    isSideways = false;
  }

  area.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("button") || !isActive()) {
      return;
    }
    start = event;
    if (event.pointerType === "touch") {
      return; // a tap is a click, see below
    }
    event.preventDefault(); // else the page selects text
    area.setPointerCapture(event.pointerId);
    isSideways = true;
    moveTo(event);
  });

  area.addEventListener("pointermove", (event) => {
    if (!start) {
      return;
    }
    const right = Math.abs(event.clientX - start.clientX);
    const down = Math.abs(event.clientY - start.clientY);
    if (isSideways || right > down) {
      isSideways = true;
      moveTo(event);
    }
  });

  area.addEventListener("pointerup", end);
  area.addEventListener("pointercancel", end);

  area.addEventListener("click", (event) => {
    const isPointer = event.detail > 0; // 0 is a key
    if (isPointer && !event.target.closest("button") && isActive()) {
      moveTo(event);
    }
  });
}

/**
 * Makes the handle of a stack of pictures move; see compare.css for the elements of a stack.
 *
 * @param {HTMLElement} stack an element of class "stack" that holds a range from 0 to 100. The handle
 *   moves while its `data-show` is "slider".
 */
export function connectStack(stack) {
  const range = stack.querySelector("input");

  function cut(percent) {
    stack.style.setProperty("--cut", `${percent}%`);
    range.setAttribute("aria-valuetext", `${Math.round(percent)}%`); // else read aloud as a bare number
  }

  cut(range.value);
  range.addEventListener("input", () => cut(range.value));
  followPointer(
    stack,
    () => stack.dataset.show === "slider",
    (share) => {
      range.value = 100 * share;
      cut(100 * share);
      range.focus({ preventScroll: true });
    },
  );
}
