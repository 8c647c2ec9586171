// What the page tells of its model.

import { text, hasText } from "./strings.js";

/**
 * Writes the model card.
 *
 * @param {object} about the page's facts.
 */
export function fillAbout(about) {
  const rows = about.card.map(({ key, value }) => {
    const name = document.createElement("dt");
    const fact = document.createElement("dd");
    name.textContent = hasText(`card.${key}`) ? text(`card.${key}`) : key;
    fact.textContent = value;
    fact.dir = "auto";
    const row = document.createElement("div");
    row.append(name, fact);
    return row;
  });
  document.getElementById("about-card").replaceChildren(...rows);
}
