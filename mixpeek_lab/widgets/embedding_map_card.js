// The card beside a point: its document, shown and spoken.
import { chipsOf, headingOf, pictureOf } from "./documents.js";
import { h } from "./nodes.js";

/** Fill the card with a document's body, or with a message; `notes` are lines of our own below it. */
export function fillCard(card, body, notes = []) {
  if (body.message) return card.replaceChildren(h("div", { class: "mxm-card-text" }, body.message));
  const [headingField, heading] = headingOf(body.fields, "data");
  const picture = pictureOf(body);
  const chips = chipsOf(body.fields, "data", headingField, heading).filter(([name]) => !name.startsWith("_")).slice(0, 6);
  const text = body.media || (typeof body.fields.data === "string" ? body.fields.data.replace(/\s+/g, " ").trim() : "");
  const short = text.length > 240 ? `${text.slice(0, 239)}…` : text;
  return card.replaceChildren(...[
    picture && h("img", { class: "mxm-card-picture", src: picture, alt: "" }),
    h("div", { class: "mxm-card-heading" }, heading || body.id),
    short && h("div", { class: "mxm-card-text" }, short),
    h("div", { class: "mxm-card-chips" }, chips.map(([name, value]) => h("span", {}, h("b", {}, name), ` ${value}`))),
    ...notes.map((note) => h("div", { class: "mxm-card-note" }, note)),
  ].filter(Boolean));
}

/** What a screen reader says of a document. */
export function spokenCard(body, notes = []) {
  if (body.message) return body.message;
  const [, heading] = headingOf(body.fields, "data");
  const text = body.media || (typeof body.fields.data === "string" ? body.fields.data.slice(0, 160) : "");
  return [heading || body.id, text, ...notes].filter(Boolean).join(": ");
}

/** Put the card beside a pixel, within the stage. */
export function placeCard(card, size, px, py) {
  const width = card.offsetWidth;
  const height = card.offsetHeight;
  const left = px + 16 + width > size.width ? px - 16 - width : px + 16;
  card.style.left = `${Math.max(4, Math.min(left, size.width - width - 4))}px`;
  card.style.top = `${Math.max(4, Math.min(py - 20, size.height - height - 4))}px`;
}
