// Requests to the kernel and their answers; messages.py describes the protocol.
import { bodyOf } from "./bodies.js";

const SLOW_AFTER = 8000;

/**
 * One request at a time; the newest wish waits for its turn, and an answer to a question that
 * has been replaced is dropped, so nothing stale is painted. `onAnswer(header, body, asked)`
 * gets replies and pushes, `onSlow()` is called when a reply is overdue, `onLost()` when nothing can be sent any more. `call(type, body)` asks
 * beside that line, and gives a promise of the answer's body: JSON, `{head, arrays}`, or a Blob.
 */
export function makeClient(model, onAnswer, onSlow, onLost = () => {}) {
  const view = Math.random().toString(36).slice(2, 10);
  const parts = new Map();
  const calls = new Map();
  let counter = 0;
  let sequence = 0;
  let flying = null;
  let wish = null;
  let timer = null;
  let lost = "";

  function depart(request) {
    counter += 1;
    flying = { ...request, id: `${view}-${counter}`, at: performance.now() };
    clearTimeout(timer);
    timer = setTimeout(onSlow, SLOW_AFTER);
    try {
      model.send({ id: flying.id, ...request });
    } catch (error) {
      const { id } = flying;
      onLost();
      if (flying?.id === id) settle(failure(id, `The kernel cannot be reached (${error.message}). Run the cell again.`), null);
    }
  }

  function request(next, isForced = false) {
    if (lost) return undefined;
    if (!flying) return depart(next);
    const isSame = JSON.stringify(next) === JSON.stringify({ ...flying, id: undefined, at: undefined });
    // A request that nobody answered must not stand in the way of Enter for ever.
    const isLost = performance.now() - flying.at > SLOW_AFTER;
    if (isForced && isLost) return depart(next);
    wish = isSame ? null : next;
    return undefined;
  }

  function call(type, body = {}) {
    counter += 1;
    const id = `${view}-${counter}`;
    if (lost) return Promise.reject(new Error(lost));
    return new Promise((resolve, reject) => {
      calls.set(id, { resolve, reject });
      try {
        model.send({ ...body, id, type });
      } catch (error) {
        onLost();
        if (calls.has(id)) finish(failure(id, `The kernel cannot be reached (${error.message}). Run the cell again.`), null);
      }
    });
  }

  /** Hand an answer to whoever waits for it. */
  function finish(header, body) {
    const waiting = calls.get(header.id);
    if (!waiting) return settle(header, body);
    calls.delete(header.id);
    return header.ok ? waiting.resolve(body) : waiting.reject(Object.assign(new Error(header.error.message), { kind: header.error.kind }));
  }

  async function receive(header, buffers) {
    if (header.id !== flying?.id && header.id !== "push" && !calls.has(header.id)) return;
    if (!header.ok) return finish(header, null);
    const got = header.part === 0 ? [] : parts.get(header.id) ?? [];
    got.push(...buffers);
    parts.set(header.id, got);
    if (header.part + 1 < header.parts) return;
    parts.delete(header.id);
    const isCall = calls.has(header.id);
    if (!isCall) sequence += 1;
    const mine = sequence;
    const received = performance.now();
    try {
      const read = await bodyOf(got, header);
      const body = header.encoding === "binary" ? new Blob([read]) : read;
      if (isCall || mine === sequence || header.id === flying?.id) finish({ ...header, received }, body);
    } catch (error) {
      finish(failure(header.id, `The answer could not be read (${error.message}).`), null);
    }
  }

  function settle(header, body) {
    const asked = header.id === flying?.id ? flying : null;
    if (asked) {
      flying = null;
      clearTimeout(timer);
    }
    if (asked && wish) {
      const next = wish;
      wish = null;
      return depart(next);
    }
    return onAnswer(header, body, asked);
  }

  /** The kernel is gone: what waits for it fails with these words, and nothing more is asked. */
  function lose(message) {
    lost = message;
    wish = null;
    for (const id of [...calls.keys()]) finish(failure(id, message), null);
    if (flying) settle(failure(flying.id, message), null);
  }

  const listener = (header, buffers) => receive(header, buffers ?? []);
  model.on("msg:custom", listener);
  return {
    request,
    call,
    lose,
    isBusy: () => flying !== null,
    isIdle: () => flying === null && calls.size === 0,
    close() {
      clearTimeout(timer);
      model.off("msg:custom", listener);
    },
  };
}

function failure(id, message) {
  return { id, ok: false, error: { kind: "ViewError", message } };
}
