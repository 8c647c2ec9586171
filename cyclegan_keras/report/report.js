// The report: sorts and filters its examples, shows them large, and draws the curves.

import { connectStack } from "../pages/compare.js";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const press = (buttons, chosen) =>
  buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === chosen)));

// ---- pictures

function show(stack, view) {
  const has = view === "slider" || stack.querySelector(`[data-picture="${view}"]`);
  stack.dataset.show = has ? view : "none";
}

// ---- the list of examples

const list = document.querySelector(".cards");
const cards = all(".card");
const state = { direction: "", order: "", view: "slider" };

function shownCards() {
  return all(".card:not([hidden])");
}

function arrange() {
  const names = new Intl.Collator(undefined, { numeric: true });
  const score = (card) => (card.dataset.score === "" ? null : Number(card.dataset.score));
  const sign = state.order === "best" ? 1 : -1;
  const byScore = (a, b) => {
    const [p, q] = [score(a), score(b)];
    return p === null || q === null ? (p === null) - (q === null) : sign * (p - q);
  };
  const byName = (a, b) => names.compare(a.dataset.name, b.dataset.name);
  cards.sort(state.order === "name" ? byName : byScore);
  list.append(...cards);
  for (const card of cards) {
    card.hidden = state.direction !== "" && card.dataset.direction !== state.direction;
    show(card.querySelector(".stack"), state.view);
  }
  const line = document.querySelector(".count-line");
  const by = `${state.order} first by ${line.dataset.score} (higher is worse)`;
  line.textContent =
    `${shownCards().length} of ${cards.length}, ${state.order === "name" ? "by name" : by}`;
}

function connectList() {
  for (const kind of Object.keys(state)) {
    const buttons = all(`.controls [data-${kind}]`);
    for (const button of buttons) {
      button.addEventListener("click", () => {
        state[kind] = button.dataset[kind];
        press(buttons, button);
        arrange();
      });
    }
    if (buttons.length) state[kind] = buttons[0].dataset[kind];
  }
  cards.forEach((card) => {
    connectStack(card.querySelector(".stack"));
    card.querySelector(".enlarge").addEventListener("click", () => large.open(card));
  });
  arrange();
}

// ---- the large view

const large = (() => {
  const dialog = document.querySelector(".large");
  const stage = dialog.querySelector(".stage");
  const tabs = all("[data-view]", dialog);
  let current = null;
  let view = "slider";

  function draw() {
    const shown = shownCards();
    const stack = current.querySelector(".stack").cloneNode(true);
    const first = stack.querySelector("img");
    stack.style.setProperty("--ratio", first.width ? first.getAttribute("width") / first.getAttribute("height") : 1);
    connectStack(stack);
    show(stack, view);
    stack.addEventListener("click", () => view !== "slider" && choose(nextView()));
    stage.replaceChildren(stack);
    dialog.querySelector("h2").textContent = current.dataset.name;
    dialog.querySelector(".direction").textContent = current.dataset.direction;
    dialog.querySelector(".position").textContent = `${shown.indexOf(current) + 1} of ${shown.length}`;
    press(tabs, tabs.find((tab) => tab.dataset.view === view));
    if (view === "slider") stack.querySelector("input").focus({ preventScroll: true });
  }

  function nextView() {
    const single = tabs.map((tab) => tab.dataset.view).filter((each) => each !== "slider");
    return single[(single.indexOf(view) + 1) % single.length];
  }

  function choose(chosen) {
    view = chosen;
    draw();
  }

  function go(by) {
    const shown = shownCards();
    current = shown[(shown.indexOf(current) + by + shown.length) % shown.length];
    draw();
  }

  tabs.forEach((tab) => tab.addEventListener("click", () => choose(tab.dataset.view)));
  all("[data-go]", dialog).forEach((button) =>
    button.addEventListener("click", () => go(Number(button.dataset.go))),
  );
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const tab = tabs[Number(event.key) - 1];
    if (by) go(by);
    else if (tab) choose(tab.dataset.view);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("close", () => current.querySelector(".enlarge").focus());
  return {
    open(card) {
      current = card;
      view = state.view;
      dialog.showModal();
      draw();
    },
  };
})();

// ---- curves

function connectCurves(section) {
  const NS = "http://www.w3.org/2000/svg";
  const curves = JSON.parse(document.getElementById("curves-data").textContent);
  const svg = section.querySelector("svg");
  const range = section.querySelector(".chart input");
  const steps = [...new Set(curves.flatMap((c) => c.points.map(([x]) => x)))].sort((a, b) => a - b);
  const values = curves.flatMap((c) => c.points.map(([, y]) => y)).filter((y) => y !== null);
  const margin = { left: 56, right: 12, top: 10, bottom: 28 };
  const pad = 0.04;
  let log = values.every((y) => y > 0) && Math.max(...values) > 20 * Math.min(...values);
  let cursor = steps.length - 1;
  const keys = curves.map((curve, k) => addKey(curve, k));

  function addKey(curve, k) {
    const label = document.createElement("label");
    label.className = `key c${k % 8}${k >= 8 ? " dashed" : ""}`;
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
    const name = Object.assign(document.createElement("span"), { textContent: curve.name });
    label.append(box, swatch, name, document.createElement("output"));
    box.addEventListener("change", draw);
    section.querySelector(".legend").append(label);
    return label;
  }

  const isOn = (k) => keys[k].querySelector("input").checked;
  const drawable = (y) => y !== null && (!log || y > 0);
  const scale = (y) => (log ? Math.log10(y) : y);
  const text = (y) =>
    y === null ? "n/a" : Math.abs(y) >= 1000 || y === 0 ? y.toLocaleString("en") : String(+y.toPrecision(3));

  function ticks(low, high, count) {
    const raw = (high - low) / count || 1;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
    return found;
  }

  function logTicks(low, high) {
    const found = [];
    const parts = high - low > 3 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 3, 5, 7];
    for (let p = Math.floor(low); p <= high; p++) {
      found.push(...parts.map((m) => Math.log10(m) + p).filter((t) => t >= low && t <= high));
    }
    return found;
  }

  function add(name, attributes, words) {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (words !== undefined) node.textContent = words;
    svg.append(node);
    return node;
  }

  function nearest(points, step) {
    return points.reduce((best, p) => (Math.abs(p[0] - step) < Math.abs(best[0] - step) ? p : best));
  }

  function draw() {
    const { width, height } = svg.getBoundingClientRect();
    const on = curves.map((_, k) => k).filter(isOn);
    const ys = on.flatMap((k) => curves[k].points.map(([, y]) => y)).filter(drawable).map(scale);
    let [low, high] = ys.length ? [Math.min(...ys), Math.max(...ys)] : [0, 1];
    const margin_y = (high - low || 1) * pad;
    [low, high] = [low - margin_y, high + margin_y];
    const [first, last] = [steps[0], steps[steps.length - 1]];
    const px = (x) => margin.left + ((x - first) / (last - first || 1)) * (width - margin.left - margin.right);
    const py = (y) => height - margin.bottom - ((y - low) / (high - low)) * (height - margin.top - margin.bottom);
    svg.replaceChildren();
    for (const t of log ? logTicks(low, high) : ticks(low, high, 5)) {
      add("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: py(t), y2: py(t) });
      add("text", { x: margin.left - 8, y: py(t) + 4, "text-anchor": "end" }, text(log ? 10 ** t : +t.toPrecision(9)));
    }
    for (const t of ticks(first, last, Math.min(8, width / 90))) {
      add("text", { x: px(t), y: height - 6, "text-anchor": "middle" }, t.toLocaleString("en"));
    }
    const step = steps[cursor];
    add("line", { class: "cursor", x1: px(step), x2: px(step), y1: margin.top, y2: height - margin.bottom });
    for (const k of on) {
      let pen = "M";
      const path = curves[k].points.map(([x, y]) => {
        if (!drawable(y)) return (pen = "M"), "";
        const part = `${pen}${px(x).toFixed(1)} ${py(scale(y)).toFixed(1)}`;
        pen = "L";
        return part;
      });
      add("path", { class: keys[k].className.replace("key ", ""), d: path.join("") });
    }
    curves.forEach(({ points }, k) => {
      const [x, y] = nearest(points, step);
      keys[k].querySelector("output").textContent = text(y);
      if (isOn(k) && drawable(y)) add("circle", { class: `c${k % 8}`, cx: px(x), cy: py(scale(y)), r: 3.5 });
    });
    section.querySelector(".at").textContent = `Values at step ${step.toLocaleString("en")}`;
    range.setAttribute("aria-valuetext", `step ${step}`);
  }

  const chart = section.querySelector(".chart");
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const share = (event.clientX - box.left - margin.left) / (box.width - margin.left - margin.right);
    const step = steps[0] + Math.min(1, Math.max(0, share)) * (steps[steps.length - 1] - steps[0]);
    cursor = steps.indexOf(nearest(steps.map((x) => [x]), step)[0]);
    range.value = cursor;
    draw();
  };
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  range.max = steps.length - 1;
  range.value = cursor;
  range.addEventListener("input", () => {
    cursor = Number(range.value);
    draw();
  });
  const scales = all("[data-scale]", section);
  scales.forEach((button) =>
    button.addEventListener("click", () => {
      log = button.dataset.scale === "log";
      press(scales, button);
      draw();
    }),
  );
  press(scales, scales.find((button) => (button.dataset.scale === "log") === log));
  new ResizeObserver(draw).observe(svg);
}

if (list) connectList();
const curves = document.querySelector("#curves");
if (curves) connectCurves(curves);
