// Questions to the kernel and their answers, several at once; messages.py has the protocol.
import { bodyOf } from "./bodies.js";

/** `ask(content, buffers)` → a promise of `{header, bytes, body}`; `onPush(content)` for news. */
export function makeLink(model, onPush) {
  const view = Math.random().toString(36).slice(2, 10);
  const waiting = new Map();
  let counter = 0;
  let end = "";

  function ask(content, buffers = []) {
    if (end) return Promise.reject(new Error(end));
    counter += 1;
    const id = `${view}-${counter}`;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, parts: [] });
      try {
        model.send({ id, ...content }, undefined, buffers);
      } catch (error) {
        waiting.delete(id);
        reject(new Error(`The kernel cannot be reached (${error.message}). Run the cell again.`));
      }
    });
  }

  function receive(header, buffers) {
    if (header.push) return onPush(header);
    const asked = waiting.get(header.id);
    if (!asked) return undefined;
    if (!header.ok) {
      waiting.delete(header.id);
      return asked.reject(new Error(header.error.message));
    }
    asked.parts.push(...(buffers ?? []));
    if (header.part + 1 < header.parts) return undefined;
    waiting.delete(header.id);
    const told = (read) => (header.encoding === "binary" ? { bytes: read.buffer } : { body: read });
    return bodyOf(asked.parts, header).then((read) => asked.resolve({ header, ...told(read) }), asked.reject);
  }

  model.on("msg:custom", receive);
  return {
    ask,
    /** How many questions are open. */
    pending: () => waiting.size,
    /** Nobody answers any more: all that wait, and all that ask, are told so. */
    end(message) {
      end = message;
      for (const { reject } of waiting.values()) reject(new Error(message));
      waiting.clear();
    },
    close() {
      model.off("msg:custom", receive);
      waiting.clear();
    },
  };
}

/**
 * Calls `act` once the kernel that the widget lives in was restarted; gives what ends the watch.
 * A model is live when it is made, and is never again once its comm is not: the first news is that.
 */
export function whenKernelGoes(model, act) {
  const hear = () => {
    model.off("comm_live_update", hear);
    act();
  };
  model.on("comm_live_update", hear);
  return () => model.off("comm_live_update", hear);
}
