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
  let wish = null;

  function reset(next) {
    state = { ...state, ...next };
    generation += 1;
    blocks.clear();
    wish = null;
  }

  /** Rows `first` to `last` are in sight; `ahead` is 1 or -1, where the next ones will come from. */
  function want(first, last, ahead) {
    if (!state.columns.length) return;
    const [from, to] = [Math.floor(first / BLOCK), Math.floor(last / BLOCK)];
    const near = ahead < 0 ? from - 1 : to + 1;
    const numbers = [];
    for (let number = from; number <= to; number += 1) numbers.push(number);
    wish = numbers.find((number) => isMissing(number)) ?? [near].find((number) => isMissing(number)) ?? null;
    depart();
  }

  const isMissing = (number) => number >= 0 && number * BLOCK < state.count && !blocks.has(number);

  async function depart() {
    if (isFlying || wish === null) return;
    const number = wish;
    const mine = generation;
    wish = null;
    isFlying = true;
    try {
      const names = state.columns.map((column) => column.name);
      const body = await ask("page", { start: number * BLOCK, count: BLOCK, columns: names });
      if (mine === generation) keep(number, body);
    } catch (error) {
      if (mine === generation) onError(error);
    } finally {
      isFlying = false;
    }
    if (mine === generation) onRows();
    depart();
  }

  function keep(number, { head, arrays }) {
    let next = 0;
    const take = (Type) => arrays[next++](Type);
    const block = { count: head.count, numbers: take(Float64Array), picked: take(Uint8Array), columns: new Map() };
    for (const column of state.columns) block.columns.set(column.name, readColumn(column, take));
    blocks.set(number, block);
    for (const key of blocks.keys()) {
      if (blocks.size <= KEPT_BLOCKS) break;
      blocks.delete(key);
    }
  }

  /** The row at a place of the view: `{number, isPicked, value(name)}`; null while it is on its way. */
  function at(place) {
    const number = Math.floor(place / BLOCK);
    const block = blocks.get(number);
    const row = place - number * BLOCK;
    if (!block || row >= block.count) return null;
    return { number: block.numbers[row], isPicked: block.picked[row] === 1, value: (name) => block.columns.get(name)?.(row) ?? null };
  }

  /** Pick rows here as the kernel does: `only`, `add`, `toggle` or `none`. */
  function pick(what, first, last) {
    for (const [number, block] of blocks) {
      for (let row = 0; row < block.count; row += 1) {
        const place = number * BLOCK + row;
        const isMeant = place >= first && place <= last;
        if (what === "none" || (what === "only" && !isMeant)) block.picked[row] = 0;
        else if (isMeant) block.picked[row] = what === "toggle" ? 1 - block.picked[row] : 1;
      }
    }
  }

  return { reset, want, at, pick, get state() { return state; }, isIdle: () => !isFlying && wish === null };
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
