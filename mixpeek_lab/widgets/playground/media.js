// The file behind a result: a picture, a recording, a film at its time, a PDF at its page. The
// kernel hands over its bytes when somebody asks; no address is ever loaded.
import { h } from "../nodes.js";

const FILE_KINDS = ["image", "audio", "video", "pdf"];
const LONGEST_MIME = 100;

/** (id, record) → the button that shows a result's file, and the file once shown; null for text. */
export function makeMedia(app) {
  const addresses = new Set();
  const free = () => {
    for (const each of addresses) URL.revokeObjectURL(each);
    addresses.clear();
  };
  app.on("answer", ({ header }) => header.ok && free());
  app.closers.push(free);

  return (id, record) => {
    if (!record.media || !record.is_local || !FILE_KINDS.includes(record.media_kind)) return null;
    const name = record.fields.data;
    const place = record.place ?? {};
    const button = h("button", { class: "mxp-button", type: "button", "data-action": "media", "aria-label": `${buttonWords(record.media_kind, place)}: ${name}` }, buttonWords(record.media_kind, place));
    const shown = h("div", { class: "mxp-media-shown" });
    const node = h("div", { class: "mxp-media", onclick: (event) => event.stopPropagation() }, button, shown);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const [url, mime] = await open(id);
        const made = elementOf(url, mime, name, place);
        button.remove();
        shown.replaceChildren(made);
        made.focus({ preventScroll: true });
      } catch (error) {
        button.disabled = false;
        shown.replaceChildren(h("div", { class: "mxp-fault", role: "alert" }, error.message));
      }
    });
    return node;
  };

  /** The bytes as an address of this page, under the type that the kernel read out of them. */
  async function open(id) {
    const body = await app.client.call("media", { document_id: id });
    const head = await body.slice(0, LONGEST_MIME).text();
    const mime = head.slice(0, head.indexOf("\n"));
    const url = URL.createObjectURL(body.slice(mime.length + 1, body.size, mime));
    addresses.add(url);
    return [url, mime];
  }
}

function buttonWords(kind, { seconds, page }) {
  if (kind === "pdf") return page ? `Show page ${page}` : "Show the PDF";
  if (kind === "image") return "Show the image";
  return seconds >= 1 ? `Play at ${clockText(seconds)}` : "Play";
}

function elementOf(url, mime, name, { seconds, page }) {
  const given = { "aria-label": name, tabindex: "0", "data-lm-suppress-shortcuts": "true" };
  if (mime.startsWith("image/")) return h("img", { src: url, alt: name, tabindex: "0", class: "mxp-media-image" });
  if (mime === "application/pdf") return h("iframe", { src: page ? `${url}#page=${page}` : url, title: page ? `${name}, page ${page}` : name, class: "mxp-media-pdf" });
  const player = h(mime.startsWith("audio/") ? "audio" : "video", { ...given, src: url, controls: true, preload: "auto", class: "mxp-media-player" });
  if (seconds) player.addEventListener("loadedmetadata", () => { player.currentTime = seconds; }, { once: true });
  player.addEventListener("error", () => player.after(h("div", { class: "mxp-fault", role: "alert" }, `This browser cannot play ${name} (${mime}).`)));
  return player;
}

/** 75.5 as 1:15. */
export function clockText(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
