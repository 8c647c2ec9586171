// What the page says, in the visitor's language.

const STRINGS = JSON.parse(document.getElementById("strings").textContent);
const FALLBACK = "en";
const LANGUAGE_KEY = "cyclegan-keras-language";

let language = FALLBACK;

/** An error in words that a visitor understands. The message is that of the language at hand. */
export class PageError extends Error {
  /**
   * @param {string} key of a string, such as "error.file_missing".
   * @param {Object<string, string | number>} values of its placeholders.
   */
  constructor(key, values = {}) {
    super(text(key, values));
    this.name = "PageError";
    this.key = key;
    this.values = values;
  }
}

/**
 * Returns a string in the language at hand.
 *
 * @param {string} key such as "status.ready".
 * @param {Object<string, string | number>} values of the placeholders in curly brackets.
 * @returns {string} the English string where the language lacks it, the key where English does.
 */
export function text(key, values = {}) {
  const pattern = STRINGS[language][key] ?? STRINGS[FALLBACK][key] ?? key;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * Says whether there is a string.
 *
 * @param {string} key such as "card.license".
 * @returns {boolean}
 */
export function hasText(key) {
  return key in STRINGS[FALLBACK];
}

/**
 * Returns the languages of the page.
 *
 * @returns {{ code: string, name: string }[]} each by its own name.
 */
export function languages() {
  return Object.entries(STRINGS).map(([code, strings]) => ({ code, name: strings["language.name"] }));
}

/**
 * Returns the code of the language at hand.
 *
 * @returns {string} such as "ja".
 */
export function currentLanguage() {
  return language;
}

/** Chooses the language of `?lang=`, of an earlier visit, or of the browser, and translates the page. */
export function startLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, earlierLanguage(), ...navigator.languages];
  const codes = wanted.filter(Boolean).map((name) => name.toLowerCase().split("-")[0]);
  setLanguage(codes.find((code) => code in STRINGS) ?? FALLBACK);
}

/**
 * Changes the language of everything that stands in the page.
 *
 * @param {string} code of one of `languages()`.
 */
export function setLanguage(code) {
  language = code;
  document.documentElement.lang = code;
  translateElements(document);
}

/**
 * Remembers a language for the next visit.
 *
 * @param {string} code of one of `languages()`.
 */
export function rememberLanguage(code) {
  try {
    localStorage.setItem(LANGUAGE_KEY, code);
  } catch {
    // a browser that keeps nothing asks the visitor again
  }
}

function earlierLanguage() {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}

/**
 * Fills elements that name a string: `data-text` as their text, `data-label` as their accessible name,
 * `data-alt` as the words for a picture. Placeholders such as `{name}` come from their `data-name`.
 *
 * @param {ParentNode} root whose elements are filled.
 */
export function translateElements(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text, element.dataset);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
  for (const element of root.querySelectorAll("[data-alt]")) {
    element.alt = text(element.dataset.alt, element.dataset);
  }
}

/**
 * Writes a size of a file.
 *
 * @param {number} bytes at least 0.
 * @returns {string} such as "3.2 MB".
 */
export function megabytesText(bytes) {
  const megabytes = bytes / 1e6;
  const digits = megabytes < 10 ? 1 : 0;
  return unitText(megabytes, "megabyte", digits);
}

/**
 * Writes a duration.
 *
 * @param {number} milliseconds at least 0.
 * @returns {string} such as "42 ms" or "1.3 sec".
 */
export function durationText(milliseconds) {
  if (milliseconds < 1000) {
    return unitText(milliseconds, "millisecond", 0);
  }
  return unitText(milliseconds / 1000, "second", 1);
}

function unitText(number, unit, digits) {
  const format = new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return format.format(number);
}
