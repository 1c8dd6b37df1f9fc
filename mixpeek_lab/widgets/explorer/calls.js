// Questions to the kernel and their answers, as promises; messages.py and packing.py have the forms.

const SLOW_ANSWER = 2500;

/**
 * `ask(type, data)` gives a promise of the answer: JSON, or `{head, arrays}` of packed bytes.
 * `onPush(body)` gets what the kernel says by itself, `onSlow(isSlow)` whether it keeps us waiting.
 */
export function makeCalls(model, { onPush, onSlow }) {
  const view = Math.random().toString(36).slice(2, 10);
  const waiting = new Map();
  const parts = new Map();
  let counter = 0;
  let timer = null;

  function ask(type, data = {}) {
    counter += 1;
    const id = `${view}-${counter}`;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      watch();
      try {
        model.send({ id, type, ...data });
      } catch (error) {
        waiting.delete(id);
        reject(new Error(`The kernel cannot be reached (${error.message}). Run the cell again.`));
      }
    });
  }

  function watch() {
    clearTimeout(timer);
    onSlow(false);
    if (waiting.size) timer = setTimeout(() => onSlow(true), SLOW_ANSWER);
  }

  async function receive(header, buffers) {
    const asked = waiting.get(header.id);
    if (!asked && header.id !== "push") return;
    const got = header.part ? parts.get(header.id) ?? [] : [];
    got.push(...buffers);
    parts.set(header.id, got);
    if (header.ok && header.part + 1 < header.parts) return;
    parts.delete(header.id);
    waiting.delete(header.id);
    watch();
    if (!header.ok) return asked?.reject(new Error(header.error.message));
    try {
      const body = await bodyOf(got, header.encoding);
      if (asked) asked.resolve(body);
      else onPush(body);
    } catch (error) {
      asked?.reject(error);
    }
  }

  const listener = (header, buffers) => receive(header, buffers ?? []);
  model.on("msg:custom", listener);
  return {
    ask,
    close() {
      clearTimeout(timer);
      model.off("msg:custom", listener);
    },
  };
}

async function bodyOf(buffers, encoding) {
  const blob = new Blob(buffers.map((each) => new Uint8Array(each.buffer ?? each, each.byteOffset ?? 0, each.byteLength)));
  if (encoding === "binary") return unpack(await blob.arrayBuffer());
  if (encoding !== "gzip") return JSON.parse(await blob.text());
  return JSON.parse(await new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).text());
}

/** `{head, arrays}`: `arrays[n](Type)` is the n-th array seen as a typed array. */
function unpack(body) {
  const size = new DataView(body).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, size)));
  const arrays = head.buffers.map(([offset, bytes]) => (Type) => new Type(body, 4 + size + offset, bytes / Type.BYTES_PER_ELEMENT));
  return { head, arrays };
}
