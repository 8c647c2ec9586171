// What the page tells of its model.

import { text, hasText } from "./strings.js";

/**
 * Writes the model card.
 *
 * @param {object} about the page's facts.
 */
export function fillAbout(about) {
  document.getElementById("about-card").replaceChildren(...about.card.map(cardRow));
}

function cardRow({ key, value, word, details }) {
  const name = document.createElement("dt");
  name.textContent = hasText(`card.${key}`) ? text(`card.${key}`) : key;
  const fact = document.createElement("dd");
  fact.textContent = word ? text(`card.${word}`) : value;
  fact.dir = "auto";
  if (details) {
    fact.append(cardDetails(details));
  }
  const row = document.createElement("div");
  row.append(name, fact);
  return row;
}

function cardDetails(words) {
  const summary = document.createElement("summary");
  summary.textContent = text("card.details");
  const details = document.createElement("details");
  details.className = "how";
  details.append(summary, words);
  return details;
}
