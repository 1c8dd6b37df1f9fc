// The embedding map's view: what the traits say, drawn; what people do, told to the kernel.
import { packedMarks, united, unpackedMarks } from "./embedding_map_geometry.js";
import { buildLegend } from "./embedding_map_legend.js";
import { buildMapFrame } from "./embedding_map_frame.js";
import { h, plural } from "./nodes.js";
import { makeLink, whenKernelGoes } from "./embedding_map_link.js";
import { makeStage } from "./embedding_map_stage.js";

function render({ model, el }) {
  const about = model.get("about");
  const ui = buildMapFrame(about);
  const link = makeLink(model, (news) => news.push === "selection" && readSelection());
  const stage = makeStage({
    model, ui, about, banner, say,
    askDocument: (point) => link.ask({ type: "document", point }).then(({ body }) => body),
    onMarks: (marks, isAdding) => mark(isAdding ? united(map.marks, marks) : marks, true),
    onColours: paintLegend,
    leave: () => (map.marked ? mark(new Uint8Array(about.count), true) : false),
  });
  const { map, scene, later } = stage;

  function paintLegend(paint, hidden) {
    const before = [...ui.legend.querySelectorAll("button")].indexOf(document.activeElement);
    ui.legend.replaceChildren(...buildLegend(map.colours, paint, hidden, toggle, only));
    ui.legend.querySelectorAll("button")[before]?.focus();
  }

  // ------------------------------------------------------------ what the kernel has

  let isGone = false;
  function banner(text) {
    if (isGone) return;
    ui.banner.textContent = text;
    ui.banner.hidden = !text;
  }
  function say(text) {
    ui.live.textContent = text;
  }
  const failed = (error) => banner(error.message);

  /** The picture stays: points, colours, zoom and what was read of documents. */
  function showGone() {
    banner("The kernel of this map is gone: the picture stays, but nothing new can be asked. Run this for a living one: ");
    ui.banner.append(h("code", {}, about.code || "the cell above"));
    isGone = true;
    link.end("The kernel is gone.");
    ui.root.classList.add("is-gone");
    for (const control of [ui.color, ui.method, ui.query, ui.cancel]) control.disabled = true;
    ui.busy.hidden = true;
  }

  async function readPoints() {
    const { header, bytes } = await link.ask({ type: "points" });
    map.version = header.about.version;
    stage.setPoints(new Float32Array(bytes));
    ui.root.dataset.method = header.about.method;
    ui.root.dataset.version = header.about.version;
  }

  async function readColours() {
    const field = model.get("color");
    const { header, bytes } = await link.ask({ type: "colours", field });
    if (field !== model.get("color")) return;
    stage.setColours(header.about, new Uint8Array(bytes));
    ui.root.dataset.color = field;
  }

  async function readSelection() {
    const { bytes } = await link.ask({ type: "selection" });
    mark(unpackedMarks(new Uint8Array(bytes), about.count), false);
  }

  function paintStatus() {
    const status = model.get("status");
    ui.method.value = model.get("method");
    ui.note.textContent = status.note ?? "";
    ui.busy.hidden = !status.phase;
    ui.phase.textContent = status.phase ? `${status.phase}${status.share == null ? " …" : ` ${Math.round(100 * status.share)} %`}` : "";
    ui.fill.style.width = `${100 * (status.share ?? 0)}%`;
    ui.busy.classList.toggle("is-unknown", status.share == null);
    if (status.error) banner(status.error);
    else if (scene.painter().kind === "webgl") banner("");
    if (map.version !== undefined && status.version !== map.version) readPoints().catch(failed);
    describe();
  }

  function describe() {
    const by = model.get("color");
    const { points = [], star, missing = 0, how = "", ranked = false } = model.get("highlights");
    const query = model.get("query");
    ui.over.setAttribute("aria-label", `Map of ${plural(about.count, "document")} by ${model.get("status").shown}${by ? `, coloured by ${by}` : ""}. ${plural(map.marked, "document")} selected.`);
    ui.hits.hidden = !points.length && !star && !missing;
    ui.hits.replaceChildren(...[
      points.length > 0 && h("span", {}, h("i", { class: `mxm-ring${ranked ? " is-full" : ""}`, "aria-hidden": "true" }), plural(points.length, "hit")),
      star && h("span", {}, h("i", { class: "mxm-star", "aria-hidden": "true" }, "★"), "query"),
      missing > 0 && h("span", {}, `${missing} not on this map`),
    ].filter(Boolean));
    ui.starNote.textContent = how;
    ui.starNote.hidden = !ui.starNote.textContent;
    if (document.activeElement !== ui.query) ui.query.value = query;
    paintNearest();
  }

  /** The nearest documents of the query, as a list: each goes to its point. */
  function paintNearest() {
    const { points = [], names = [] } = model.get("highlights");
    ui.nearest.hidden = !names.length;
    const at = [...ui.nearest.querySelectorAll("button")].indexOf(document.activeElement);
    ui.nearest.replaceChildren(...names.map((name, rank) => h("li", {}, h("button", { type: "button", class: "mxm-near", onclick: () => stage.stepTo(points[rank]) },
      h("b", {}, String(rank + 1)), h("span", {}, name)))));
    ui.nearest.querySelectorAll("button")[at]?.focus();
  }

  // ------------------------------------------------------------ selecting, the legend

  function mark(marks, isOurs) {
    stage.setMarks(marks);
    ui.count.textContent = map.marked ? `${map.marked.toLocaleString("en")} of ${plural(about.count, "point")} selected` : "Nothing selected: draw with the lasso or the box.";
    ui.actions.hidden = ui.uses.hidden = !map.marked;
    describe();
    if (!isOurs) return;
    say(map.marked ? `${plural(map.marked, "document")} selected.` : "Nothing selected.");
    if (!isGone) link.ask({ type: "select" }, [packedMarks(marks).buffer]).catch(failed);
  }

  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const toggle = (label) => {
    const hidden = model.get("hidden");
    set("hidden", hidden.includes(label) ? hidden.filter((each) => each !== label) : [...hidden, label]);
  };
  const only = (label) => set("hidden", map.colours.entries.map((entry) => entry.label).filter((each) => each !== label));

  ui.clear.addEventListener("click", () => mark(new Uint8Array(about.count), true));
  ui.zoomTo.addEventListener("click", stage.zoomToMarked);
  ui.cancel.addEventListener("click", () => set("method", model.get("status").shown));
  ui.color.addEventListener("change", () => {
    model.set("hidden", []);
    set("color", ui.color.value);
  });
  ui.method.addEventListener("change", () => set("method", ui.method.value));
  ui.query.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    const query = ui.query.value;
    ui.starNote.textContent = "Asking …";
    link.ask({ type: "query", query }).then(() => scene.painter().kind === "webgl" && banner(""), failed).finally(describe);
  });

  // ------------------------------------------------------------ beginning and end

  const watched = {
    "change:status": paintStatus,
    "change:method": paintStatus,
    "change:selected_count": () => model.get("selected_count") !== map.marked && readSelection().catch(failed),
    "change:hidden": scene.recolour,
    "change:query": describe,
    "change:highlights": () => {
      describe();
      scene.schedule();
    },
    "change:color": () => {
      ui.color.value = model.get("color");
      readColours().catch(failed);
    },
    "change:view": () => {
      const { x, y, zoom } = model.get("view");
      if (x === map.view.x && y === map.view.y && zoom === map.view.zoom) return;
      map.view = { x, y, zoom };
      scene.schedule();
    },
  };
  for (const [name, act] of Object.entries(watched)) model.on(name, act);
  const unwatch = whenKernelGoes(model, showGone);
  el.append(ui.root);
  stage.start();
  ui.color.value = model.get("color");
  mark(map.marks, false);
  paintStatus();
  ui.root.mixpeek = map;
  later("hint", 700, () => {
    ui.hint.textContent = "Waiting for the kernel …";
    ui.hint.hidden = false;
  });
  Promise.all([readPoints(), readColours(), model.get("selected_count") ? readSelection() : null]).then(() => {
    later("hint", 0, () => (ui.hint.hidden = true));
    ui.root.classList.add("is-ready");
  }, failed);
  return () => {
    unwatch();
    for (const [name, act] of Object.entries(watched)) model.off(name, act);
    link.close();
    stage.close();
  };
}

export default { render };
