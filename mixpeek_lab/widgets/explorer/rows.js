// The rows at hand: blocks of the view's rows, asked for as they come into sight.

const BLOCK = 128;
const KEPT_BLOCKS = 64;
export const POINTS = 48;
const utf8 = new TextDecoder();

/**
 * One request is under way at a time, and the newest wish waits for its turn: where somebody scrolls
 * through a million rows, what was in sight a moment ago is never asked for.
 */
export function makeRows(ask, { onRows, onError }) {
  const blocks = new Map();
  let state = { version: -1, count: 0, columns: [] };
  let generation = 0;
  let isFlying = false;
  let isOver = false;
  let wish = null;
  let refused = null; // what the last question wanted, where it failed: not asked in a circle

  function reset(next) {
    state = { ...state, ...next };
    generation += 1;
    blocks.clear();
    wish = refused = null;
  }

  /** Ask again for what was refused. */
  function forgive() {
    refused = null;
  }

  /** Nobody answers any more: what is here stays. */
  function stop() {
    isOver = true;
    wish = null;
  }

  /** Rows `first` to `last` are wanted; `ahead` is 1 or -1 where the next ones will come, else 0. */
  function want(first, last, ahead) {
    if (isOver || !state.columns.length || state.version < 0) return;
    const [from, to] = [Math.floor(first / BLOCK), Math.floor(last / BLOCK)];
    const missing = [];
    for (let number = from; number <= to; number += 1) if (isMissing(number)) missing.push(number);
    const near = ahead < 0 ? from - 1 : to + 1;
    if (!missing.length && ahead && isMissing(near)) missing.push(near);
    wish = missing.length ? [missing[0], missing.at(-1)] : null;
    if (wish && String(wish) === String(refused)) wish = null;
    depart();
  }

  const isMissing = (number) => number >= 0 && number * BLOCK < state.count && !blocks.has(number);

  async function depart() {
    if (isFlying || wish === null) return;
    const [from, to] = wish;
    const mine = generation;
    wish = refused = null;
    isFlying = true;
    try {
      const names = state.columns.map((column) => column.name);
      const body = await ask("page", { start: from * BLOCK, count: (to - from + 1) * BLOCK, columns: names });
      if (mine === generation) keep(from, body);
    } catch (error) {
      if (mine === generation) {
        refused = [from, to];
        onError(error);
      }
    } finally {
      isFlying = false;
    }
    if (mine === generation) onRows();
    depart();
  }

  function keep(from, { head, arrays }) {
    let next = 0;
    const take = (Type) => arrays[next++](Type);
    const shared = { numbers: take(Float64Array), picked: take(Uint8Array), columns: new Map() };
    for (const column of state.columns) shared.columns.set(column.name, readColumn(column, take));
    for (let base = 0; base < head.count; base += BLOCK) {
      blocks.set(from + base / BLOCK, { ...shared, base, count: Math.min(BLOCK, head.count - base) });
    }
    for (const key of blocks.keys()) {
      if (blocks.size <= KEPT_BLOCKS) break;
      blocks.delete(key);
    }
  }

  /** The row at a place of the view: `{number, isPicked, value(name)}`; null while it is on its way. */
  function at(place) {
    const number = Math.floor(place / BLOCK);
    const block = blocks.get(number);
    if (!block || place - number * BLOCK >= block.count) return null;
    const row = place - number * BLOCK + block.base;
    return { number: block.numbers[row], isPicked: block.picked[row] === 1, value: (name) => block.columns.get(name)?.(row) ?? null };
  }

  /** Pick rows here as the kernel does: `only`, `add`, `toggle` or `none`. */
  function pick(what, first, last) {
    for (const [number, block] of blocks) {
      for (let at = 0; at < block.count; at += 1) {
        const [place, row] = [number * BLOCK + at, block.base + at];
        const isMeant = place >= first && place <= last;
        if (what === "none" || (what === "only" && !isMeant)) block.picked[row] = 0;
        else if (isMeant) block.picked[row] = what === "toggle" ? 1 - block.picked[row] : 1;
      }
    }
  }

  return {
    reset, want, at, pick, stop, forgive,
    get state() { return state; },
    get isOver() { return isOver; },
    isIdle: () => !isFlying && wish === null,
  };
}

/** A function row → value: text, number, `{length, norm, points}`, or null. */
function readColumn(column, take) {
  if (column.kind === "vector") {
    const [lengths, norms, points] = [take(Int32Array), take(Float32Array), take(Float32Array)];
    return (row) => (lengths[row] < 0 ? null : { length: lengths[row], norm: norms[row], points: points.subarray(row * POINTS, row * POINTS + Math.min(POINTS, lengths[row])) });
  }
  const nulls = take(Uint8Array);
  if (column.is_float) {
    const numbers = take(Float64Array);
    return (row) => (nulls[row] ? null : numbers[row]);
  }
  const [offsets, bytes] = [take(Int32Array), take(Uint8Array)];
  return (row) => (nulls[row] ? null : utf8.decode(bytes.subarray(offsets[row], offsets[row + 1])));
}
