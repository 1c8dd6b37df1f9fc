// What a document looks like: its name, its text with the matching words, its metadata.
import { h } from "./nodes.js";

const HEADINGS = ["title", "name", "heading", "subject", "package", "filename", "file_name", "id"];
const PLACES = ["passage", "chunk", "part", "segment", "page"].flatMap((name) => [name, `${name}_index`, `${name}_number`, `${name}_id`]);
const COMMON = new Set("a an and are as at be by for from how i in is it of on or that the this to was what when where which with".split(" "));

/** Words to highlight: the payload's own, else the query's without the commonest. */
export function highlightTerms(payload, query) {
  const given = payload.terms?.length ? payload.terms : query.match(/[\p{L}\p{N}]+/gu) ?? [];
  const words = given.map((word) => String(word).toLowerCase()).filter((word) => word);
  const rare = words.filter((word) => !COMMON.has(word));
  return [...new Set(rare.length ? rare : words)];
}

/** Whether a word of the text is one of the terms, or an ending of one (terms may be stems). */
export function isMatch(word, terms) {
  const lower = word.toLowerCase();
  return terms.some((term) => {
    if (lower === term) return true;
    if (term.length < 3) return false;
    const stem = term.length > 3 && /(?:[^s]s|i|e|y)$/.test(term) ? term.slice(0, -1) : term;
    return stem.length > 2 && lower.startsWith(stem) && lower.length - stem.length <= 4;
  });
}

/** The text as nodes, with every matching word in a <mark>. */
export function marked(text, terms) {
  if (!terms.length) return [document.createTextNode(text)];
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (!isMatch(found[0], terms)) continue;
    nodes.push(text.slice(from, found.index), h("mark", {}, found[0]));
    from = found.index + found[0].length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

/** About 300 characters around the first match, on one line. */
export function excerpt(text, terms) {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= 320) return line;
  let start = 0;
  for (const found of line.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (isMatch(found[0], terms)) {
      start = found.index > 160 ? line.lastIndexOf(" ", found.index - 60) + 1 : 0;
      break;
    }
  }
  const cut = line.slice(start, start + 320);
  return `${start ? "… " : ""}${cut}${start + 320 < line.length ? "…" : ""}`;
}

export function headingOf(fields, textField) {
  const short = Object.entries(fields).filter(([name, value]) => name !== textField && typeof value === "string" && value && value.length <= 120);
  for (const name of HEADINGS) {
    const found = short.find(([key]) => key === name);
    if (found) return found;
  }
  return short[0] ?? [null, ""];
}

/** Which passage, page or part of its file a document is, in words; null where no field says so. */
export function passageOf(fields) {
  const found = PLACES.find((name) => Number.isFinite(fields[name]));
  return found ? `${found.replace(/_(index|number|id)$/, "")} ${fields[found]}` : null;
}

/** The first words of a text, without the marks of a heading or a list before them. */
export function beginningOf(text, most = 40) {
  const line = text.slice(0, 400).replace(/^[\s#>*|=\-]+/, "").replace(/\s+/g, " ").trim();
  if (line.length <= most) return line;
  return `${line.slice(0, most + 1).replace(/\s+\S*$/, "").slice(0, most)}…`;
}

/** Metadata short enough to stand on one line: [name, text]. */
export function chipsOf(fields, textField, headingField, heading) {
  const found = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === textField || name === headingField || value === null || value === heading) continue;
    if (value === "" || value === ".") continue; // "." is a top folder: it tells nothing
    const text = Array.isArray(value) && value.every((each) => typeof each !== "object") ? value.join(", ") : typeof value === "object" ? null : String(value);
    if (text !== null && text.length <= 60) found.push([name, text]);
  }
  return found.slice(0, 8);
}

export function lineageOf(id, document) {
  const parts = [["document", id]];
  if (document.collection_id) parts.push(["collection", document.collection_id]);
  for (const [name, value] of Object.entries(document.lineage ?? {})) {
    if (value === null || typeof value === "object" || name === "document_id" || name === "collection_id") continue;
    parts.push([name.replace(/_id$/, "").replaceAll("_", " "), String(value)]);
  }
  return parts;
}

/** A small picture that the kernel made; nothing that comes from a document is ever loaded. */
export function pictureOf(document) {
  const found = document.thumbnail;
  return typeof found === "string" && found.startsWith("data:image/jpeg;base64,") ? found : null;
}
