// The fusion of mixpeek_lab/fusion.py, for re-fusing cached candidates in the browser.
// Same order of operations, so the same numbers; a test compares the two on random legs.

export const DEFAULT_K = 60;

/** Strategy → what people are told about it. */
export const STRATEGIES = {
  rrf: { label: "RRF · reciprocal rank", hint: "sum of weight / (k + rank)" },
  dbsf: { label: "DBSF · distribution-based", hint: "sum of weight × (score − mean) / deviation" },
  weighted: { label: "Weighted sum of scores", hint: "sum of weight × score" },
  max: { label: "Largest score", hint: "largest score of any leg; weights only switch legs off" },
  learned: { label: "Learned weights", hint: "RRF with weights drawn from recorded interactions" },
};

/** Legs as they came → legs that `fuse` can add up: places by id, mean and deviation. */
export function prepareLegs(legs) {
  return legs.map((leg) => {
    const { places, scores } = firstOfEach(leg.document_ids, leg.scores);
    return { name: leg.name, weight: leg.weight ?? 1, places, scores, ...spread(scores) };
  });
}

/**
 * All candidates, best first: [{ id, score }]. `weights` (leg name → number) override the legs'
 * own; weight 0 leaves a leg out. Ties are broken by document id in code point order.
 */
export function fuse(legs, { strategy = "rrf", k = DEFAULT_K, weights = {} } = {}) {
  const value = normaliser(strategy, k);
  const totals = new Map();
  for (const leg of legs) {
    const weight = weights[leg.name] ?? leg.weight;
    if (!(weight > 0)) continue;
    for (const [id, place] of leg.places) {
      const before = totals.get(id);
      if (strategy === "max") {
        const score = leg.scores[place];
        if (before === undefined || score > before) totals.set(id, score);
      } else {
        totals.set(id, (before ?? 0) + weight * value(leg, place));
      }
    }
  }
  const ranking = [];
  for (const [id, score] of totals) ranking.push({ id, score });
  return ranking.sort((a, b) => b.score - a.score || compareCodePoints(a.id, b.id));
}

/** What each leg gave to one document, in leg order, as `Fused.contributions` in Python. */
export function explain(legs, { strategy = "rrf", k = DEFAULT_K, weights = {} } = {}, id) {
  const value = normaliser(strategy, k);
  const parts = legs.map((leg) => {
    const weight = weights[leg.name] ?? leg.weight;
    const place = leg.places.get(id);
    if (place === undefined) {
      return { leg: leg.name, rank: null, score: null, normalised: null, weight, contribution: 0 };
    }
    const normalised = value(leg, place);
    const contribution = weight > 0 ? (strategy === "max" ? normalised : weight * normalised) : 0;
    return { leg: leg.name, rank: place + 1, score: leg.scores[place], normalised, weight, contribution };
  });
  return strategy === "max" ? keepLargest(parts) : parts;
}

/** The fused score of one document, written out with its numbers. */
export function formula(legs, { strategy = "rrf", k = DEFAULT_K }, parts, score) {
  const counted = parts.filter((part) => part.rank !== null && part.weight > 0);
  const terms = counted.map((part) => {
    const leg = legs.find((each) => each.name === part.leg);
    const weight = numeral(part.weight);
    if (strategy === "max") return figure(part.score);
    if (strategy === "weighted") return `${weight}·${figure(part.score)}`;
    if (strategy === "dbsf") {
      if (!leg || leg.sigma === 0) return `${weight}·0`;
      const minus = leg.mean < 0 ? `+ ${figure(-leg.mean)}` : `− ${figure(leg.mean)}`;
      return `${weight}·(${figure(part.score)} ${minus})/${figure(leg.sigma)}`;
    }
    return `${weight}/(${numeral(k, 0)}+${part.rank})`;
  });
  const sum = strategy === "max" ? `max(${terms.join(", ")})` : terms.join(" + ");
  return `${sum || "0"} = ${figure(score)}`;
}

/** A weight: at least one digit behind the point, no more than it needs. */
export function numeral(number, digits = 1) {
  const text = String(Number(number.toFixed(4)));
  return text.includes(".") || digits === 0 ? text : `${text}.0`;
}

/** A score with four significant digits. */
export function figure(number) {
  if (number === null || number === undefined) return "–";
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 1e6 || size < 1e-5) return number.toExponential(3).replace("-", "−");
  const digits = Math.max(0, 3 - Math.floor(Math.log10(size)));
  return number.toFixed(digits).replace("-", "−");
}

/** Order of two strings by code point, as Python orders them. */
export function compareCodePoints(a, b) {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  if (at === shorter) return a.length - b.length;
  const x = a.charCodeAt(at);
  const y = b.charCodeAt(at);
  // A surrogate stands for a code point above every other unit.
  const high = (unit) => unit >= 0xd800 && unit <= 0xdfff;
  if (high(x) !== high(y)) return high(x) ? 1 : -1;
  return x - y;
}

function normaliser(strategy, k) {
  if (strategy === "dbsf") {
    return (leg, place) => (leg.sigma === 0 ? 0 : (leg.scores[place] - leg.mean) / leg.sigma);
  }
  if (strategy === "weighted" || strategy === "max") return (leg, place) => leg.scores[place];
  return (leg, place) => 1 / (k + place + 1);
}

function firstOfEach(ids, scores) {
  const places = new Map();
  const kept = [];
  ids.forEach((id, at) => {
    if (places.has(id)) return;
    places.set(id, kept.length);
    kept.push(scores[at]);
  });
  return { places, scores: kept };
}

function spread(scores) {
  if (!scores.length) return { mean: 0, sigma: 0 };
  const mean = exactSum(scores) / scores.length;
  const variance = exactSum(scores.map((score) => (score - mean) * (score - mean)));
  const isFlat = scores.every((score) => score === scores[0]);
  return { mean, sigma: isFlat ? 0 : Math.sqrt(variance / scores.length) };
}

/** Python's `math.fsum`: partial sums without loss, rounded once at the end. */
function exactSum(numbers) {
  const partials = [];
  for (let x of numbers) {
    let kept = 0;
    for (let y of partials) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low) partials[kept++] = low;
      x = high;
    }
    partials.length = kept;
    partials.push(x);
  }
  return partials.reduceRight((sum, part) => sum + part, 0);
}

function keepLargest(parts) {
  const counted = parts.filter((part) => part.rank !== null && part.weight > 0);
  const largest = Math.max(...counted.map((part) => part.score));
  const winner = counted.find((part) => part.score === largest);
  return parts.map((part) => ({ ...part, contribution: part === winner ? largest : 0 }));
}
