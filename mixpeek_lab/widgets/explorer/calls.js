// Questions to the kernel and their answers, as promises; messages.py and packing.py have the forms.
import { bodyOf, unpack } from "../bodies.js";

const SLOW_ANSWER = 2500;
const LOST_AFTER = 6; // slow waits after which a question is sent once more: an answer can get lost

/** What a question ends with once the kernel that could answer it is no more. */
class GoneError extends Error {
  isGone = true;

  constructor() {
    super("The kernel that had these rows is gone. Run the cell again.");
  }
}

/**
 * `ask(type, data)` gives a promise of the answer: JSON, or `{head, arrays}` of packed bytes.
 * `onPush(body)` gets what the kernel says by itself, `onSlow(isSlow)` whether it keeps us waiting,
 * `onGone()` is called once, when the kernel was restarted, shut down or died, and `onNews(header)`
 * with each answer that says that there are newer rows.
 */
export function makeCalls(model, { onPush, onSlow, onGone, onNews }) {
  const view = Math.random().toString(36).slice(2, 10);
  const waiting = new Map();
  const parts = new Map();
  let counter = 0;
  let timer = null;
  let isGone = false;
  let isLooking = false;

  /** Ask for news alone. Nobody waits for the answer, and while one is due there is no second. */
  function look() {
    if (isGone || isLooking) return;
    isLooking = true;
    send({ id: `${view}-look`, type: "look" });
  }

  function ask(type, data = {}) {
    if (isGone) return Promise.reject(new GoneError());
    counter += 1;
    const id = `${view}-${counter}`;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, message: { id, type, ...data } });
      watch();
      send(waiting.get(id).message);
    });
  }

  function send(message) {
    try {
      model.send(message);
    } catch {
      lose(); // a restart takes the way to the kernel away, and so does a shutdown
    }
  }

  function watch() {
    clearTimeout(timer);
    onSlow(false);
    if (waiting.size) timer = setTimeout(() => wait(1), SLOW_ANSWER);
  }

  /** The kernel may be busy, and then it answers later; or nobody is there any more. */
  function wait(times) {
    if (isDead(model.widget_manager)) return lose();
    onSlow(true);
    timer = setTimeout(() => wait(times + 1), SLOW_ANSWER);
    if (times % LOST_AFTER === 0) for (const { message } of waiting.values()) if (message.type !== "select") send(message);
    return undefined;
  }

  function lose() {
    if (isGone) return;
    isGone = true;
    clearTimeout(timer);
    onSlow(false);
    for (const { reject } of waiting.values()) reject(new GoneError());
    waiting.clear();
    parts.clear();
    onGone();
  }

  async function receive(header, buffers) {
    if (header.news) onNews(header);
    if (header.id === `${view}-look`) isLooking = false;
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
      const read = await bodyOf(got, header);
      const body = header.encoding === "binary" ? unpack(read) : read;
      if (asked) asked.resolve(body);
      else onPush(body);
    } catch (error) {
      asked?.reject(error);
    }
  }

  const listener = (header, buffers) => receive(header, buffers ?? []);
  // A model hears of it when a restart cuts its comm; it never comes to life again.
  model.on("msg:custom", listener);
  model.on("comm_live_update", lose);
  return {
    ask, look,
    get isGone() { return isGone; },
    close() {
      clearTimeout(timer);
      model.off("msg:custom", listener);
      model.off("comm_live_update", lose);
    },
  };
}

/** Whether the notebook has no kernel, or a dead one; unknown where a front end does not say. */
function isDead(manager) {
  if (!manager || !("kernel" in manager)) return false;
  return !manager.kernel || manager.kernel.isDisposed || manager.kernel.status === "dead";
}
