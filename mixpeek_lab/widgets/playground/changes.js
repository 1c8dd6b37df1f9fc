// The smallest change of a weight or of k that brings a document among the first. Pure.
import { compareCodePoints, fuse, hasK, normaliser, weigher } from "../fusion.js";

export const LARGEST_K = 1000;
const WEIGHT_STEP = 0.01;
const FARTHEST_WEIGHT = 10;
const MOST_DIGITS = 12;
const LINEAR = new Set(["rrf", "learned", "dbsf", "weighted", "rrf_llamaindex", "dbsf_qdrant", "rrf_chroma"]);

/** Where a document stands under a choice, from 1; null where no leg in force has it. */
export function rankOf(legs, choice, id) {
  const at = fuse(legs, choice).findIndex((each) => each.id === id);
  return at < 0 ? null : at + 1;
}

/**
 * Every single change that brings `id` among the first `limit`, the smallest first:
 * [{kind: "weight", leg, from, to, threshold} | {kind: "k", from, to}]. `threshold` is where the
 * rank changes; `to` lies just behind it, with as few digits as do. What is given is checked by
 * fusing with it.
 */
export function smallestChanges(legs, choice, id, limit) {
  const found = [];
  for (const leg of legs) {
    const from = choice.weights[leg.name] ?? leg.weight;
    for (const { to, threshold } of weightChanges(legs, choice, id, leg, from, limit)) {
      found.push({ kind: "weight", leg: leg.name, from, to, threshold, size: ratio(from, to) });
    }
  }
  if (hasK(choice.strategy)) {
    const to = nearestK(legs, choice, id, limit);
    if (to !== null) found.push({ kind: "k", from: choice.k, to, size: ratio(choice.k, to) });
  }
  return found.sort((a, b) => a.size - b.size);
}

const withWeight = (choice, name, weight) => ({ ...choice, weights: { ...choice.weights, [name]: weight } });
const isIn = (legs, choice, id, limit) => {
  const rank = rankOf(legs, choice, id);
  return rank !== null && rank <= limit;
};

/** How large a change is: as a factor, since weights and k count by their ratios. */
function ratio(from, to) {
  if (!(from > 0) || !(to > 0)) return 8;
  return Math.abs(Math.log(to / from));
}

function weightChanges(legs, choice, id, leg, from, limit) {
  const found = [];
  const keep = (to, threshold = to) => {
    if (to !== from && isIn(legs, withWeight(choice, leg.name, to), id, limit)) found.push({ to, threshold });
  };
  if (from > 0) keep(0);
  if (choice.strategy === "max") {
    if (!(from > 0)) keep(1);
  } else if (LINEAR.has(choice.strategy)) {
    for (const [low, high] of linearIntervals(legs, choice, id, leg, from, limit)) {
      const isAbove = low >= from;
      for (const to of between(low, high, isAbove)) {
        const before = found.length;
        keep(to, isAbove ? low : high);
        if (found.length > before) break;
      }
    }
  } else {
    for (const side of [1, -1]) {
      const to = stepped(legs, choice, id, leg, from, limit, side);
      if (to !== null) keep(to);
    }
  }
  return found;
}

/**
 * The nearest open interval of weights above `from`, and the nearest below, in which fewer than
 * `limit` documents stand before `id`. Scores are lines over the weight: they cross where they cross.
 */
function linearIntervals(legs, choice, id, leg, from, limit) {
  const lines = scoreLines(legs, choice, leg);
  const mine = lines.get(id);
  if (!mine) return [];
  const crossings = [];
  let above = 0; // standing before it just above `from`
  let below = 0; // and just below
  for (const [other, line] of lines) {
    if (other === id) continue;
    const p = line.base - mine.base;
    const q = line.slope - mine.slope;
    if (q === 0) {
      const isBefore = p > 0 || (p === 0 && compareCodePoints(other, id) < 0);
      above += isBefore;
      below += isBefore;
      continue;
    }
    const at = -p / q;
    above += q > 0 ? at <= from : at > from;
    below += q > 0 ? at < from : at >= from;
    if (at > 0) crossings.push({ at, by: q > 0 ? 1 : -1 });
  }
  crossings.sort((a, b) => a.at - b.at);
  const up = walk(crossings.filter((each) => each.at > from), above, from, Infinity, limit, 1);
  const down = from > 0 ? walk(crossings.filter((each) => each.at < from).reverse(), below, from, 0, limit, -1) : null;
  return [up, down].filter(Boolean);
}

/** Go from crossing to crossing until the count is below `limit`: [low, high] of that interval. */
function walk(crossings, count, from, end, limit, side) {
  let at = from;
  for (let next = 0; next <= crossings.length; next += 1) {
    const to = crossings[next]?.at ?? end;
    if (count < limit && to !== at) return side > 0 ? [at, to] : [to, at];
    if (next === crossings.length) return null;
    count += side * crossings[next].by;
    at = to;
  }
  return null;
}

/** Document → {base, slope}: its score is base + weight of `leg` × slope. */
function scoreLines(legs, { strategy, k, weights }, leg) {
  const value = normaliser(strategy, k);
  const sign = strategy === "rrf_chroma" ? -1 : 1;
  const lines = new Map();
  for (const each of legs) {
    const weight = weights[each.name] ?? each.weight;
    if (each !== leg && !(weight > 0)) continue;
    for (const [id, place] of each.places) {
      const line = lines.get(id) ?? { base: 0, slope: 0 };
      if (each === leg) line.slope += sign * value(each, place);
      else line.base += sign * weight * value(each, place);
      lines.set(id, line);
    }
  }
  return lines;
}

/** Numbers inside of an interval, nearest to the side we come from, with ever more digits. */
function* between(low, high, isFromBelow) {
  for (let digits = 1; digits <= MOST_DIGITS; digits += 1) {
    const unit = 10 ** digits;
    const step = 1 / unit;
    let to = isFromBelow ? Math.floor(low * unit + 1) / unit : Math.ceil(high * unit - 1) / unit;
    if (to === (isFromBelow ? low : high)) to += isFromBelow ? step : -step;
    to = Number(to.toFixed(digits));
    if (to > low && to < high && to > 0) yield to;
  }
}

/** Where scores are no lines over the weight: the first step of 0.01 that does. */
function stepped(legs, choice, id, leg, from, limit, side) {
  const count = rankCounter(legs);
  for (let n = 1; n <= FARTHEST_WEIGHT / WEIGHT_STEP; n += 1) {
    const to = Number((from + side * n * WEIGHT_STEP).toFixed(2));
    if (!(to > 0)) return null;
    const rank = count(withWeight(choice, leg.name, to), id);
    if (rank !== null && rank <= limit) return to;
  }
  return null;
}

/** The whole number from 1 to 1000 that is nearest to k and brings `id` in; null where none does. */
export function nearestK(legs, choice, id, limit) {
  const count = rankCounter(legs);
  const start = Math.round(choice.k);
  for (let by = 0; by <= LARGEST_K; by += 1) {
    for (const k of by ? [start - by, start + by] : [start]) {
      if (k < 1 || k > LARGEST_K || k === choice.k) continue;
      const rank = count({ ...choice, k }, id);
      if (rank !== null && rank <= limit && isIn(legs, { ...choice, k }, id, limit)) return k;
    }
  }
  return null;
}

/** (choice, id) → rank, without sorting: for trying many settings. */
function rankCounter(legs) {
  const at = new Map();
  for (const leg of legs) for (const id of leg.places.keys()) if (!at.has(id)) at.set(id, at.size);
  const ids = [...at.keys()];
  const places = legs.map((leg) => [...leg.places].map(([id, place]) => [at.get(id), place]));
  const totals = new Float64Array(ids.length);
  const held = new Uint8Array(ids.length);
  return ({ strategy, k, weights }, id) => {
    const weigh = weigher(strategy, k, normaliser(strategy, k));
    const sign = strategy === "rrf_chroma" ? -1 : 1;
    totals.fill(0);
    held.fill(0);
    legs.forEach((leg, n) => {
      const weight = weights[leg.name] ?? leg.weight;
      if (!(weight > 0)) return;
      for (const [row, place] of places[n]) {
        totals[row] += sign * weigh(leg, place, weight);
        held[row] = 1;
      }
    });
    const mine = at.get(id);
    if (mine === undefined || !held[mine]) return null;
    let rank = 1;
    for (let row = 0; row < ids.length; row += 1) {
      if (!held[row] || row === mine) continue;
      if (totals[row] > totals[mine] || (totals[row] === totals[mine] && compareCodePoints(ids[row], id) < 0)) rank += 1;
    }
    return rank;
  };
}

/** What a document lost in each leg against the last one shown: [{leg, rank, mine, last, gap}]. */
export function losses(mineParts, lastParts) {
  return mineParts.map((part, at) => {
    const last = lastParts[at]?.contribution ?? 0;
    return { leg: part.leg, rank: part.rank, score: part.score, weight: part.weight, mine: part.contribution, last, gap: part.contribution - last };
  });
}
