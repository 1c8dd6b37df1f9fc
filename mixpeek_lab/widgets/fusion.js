// The fusion of mixpeek_lab/fusion.py, for re-fusing cached candidates in the browser.
// Same order of operations, so the same numbers; a test compares the two on random legs.

export const DEFAULT_K = 60;

/** Strategy → what people are told about it. */
export const STRATEGIES = {
  rrf: { label: "RRF · reciprocal rank", hint: "sum of weight / (k + rank)" },
  dbsf: { label: "DBSF · distribution-based", hint: "sum of weight × (score − mean) / deviation" },
  weighted: { label: "Weighted sum of scores", hint: "sum of weight × score" },
  max: { label: "Largest score", hint: "largest score of any leg; weights only switch legs off" },
  learned: { label: "Learned weights", hint: "RRF with weights drawn from recorded interactions, by the lab at each search" },
  rrf_llamaindex: { label: "RRF as LlamaIndex has it", hint: "sum of weight / (k + rank), ranks from 0" },
  rrf_qdrant: { label: "RRF as Qdrant has it", hint: "sum of 1 / (k + rank / weight − 1), k = 2 there" },
  dbsf_qdrant: { label: "DBSF as Qdrant has it", hint: "sum of weight × place between mean − 3 and mean + 3 deviations" },
  rrf_chroma: { label: "RRF as Chroma has it", hint: "minus the sum of weight / (k + rank), ranks from 0; the smallest is best" },
};

const DEFAULTS = { rrf_qdrant: 2 };

/** The k of a fusion that names none. */
export function defaultK(strategy) {
  return DEFAULTS[strategy] ?? DEFAULT_K;
}

/** Whether k has a part in a strategy. */
export function hasK(strategy) {
  return strategy.startsWith("rrf") || strategy === "learned";
}

/**
 * Legs as they came → legs that `fuse` can add up: places by id, mean and deviation. `topK` (leg
 * name → number) keeps the first so many candidates of a leg.
 */
export function prepareLegs(legs, topK = {}) {
  return legs.map((leg) => {
    const most = topK[leg.name];
    const { places, scores } = firstOfEach(leg.document_ids.slice(0, most), leg.scores.slice(0, most));
    let known = null;
    const spreadOf = () => (known ??= spread(scores)); // exact, so it takes its time: only where it is asked for
    return {
      name: leg.name, weight: leg.weight ?? 1, places, scores,
      get mean() { return spreadOf().mean; },
      get sigma() { return spreadOf().sigma; },
      get deviation() { return spreadOf().deviation; },
    };
  });
}

/**
 * All candidates, best first: [{ id, score }]. `weights` (leg name → number) override the legs'
 * own; weight 0 leaves a leg out. Ties are broken by document id in code point order.
 */
export function fuse(legs, { strategy = "rrf", k = DEFAULT_K, weights = {} } = {}) {
  const value = normaliser(strategy, k);
  const weigh = weigher(strategy, k, value);
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
        totals.set(id, (before ?? 0) + weigh(leg, place, weight));
      }
    }
  }
  const ranking = [];
  for (const [id, score] of totals) ranking.push({ id, score });
  const sign = strategy === "rrf_chroma" ? -1 : 1;
  return ranking.sort((a, b) => sign * (b.score - a.score) || compareCodePoints(a.id, b.id));
}

/** What each leg gave to one document, in leg order, as `Fused.contributions` in Python. */
export function explain(legs, { strategy = "rrf", k = DEFAULT_K, weights = {} } = {}, id) {
  const value = normaliser(strategy, k);
  const weigh = weigher(strategy, k, value);
  const parts = legs.map((leg) => {
    const weight = weights[leg.name] ?? leg.weight;
    const place = leg.places.get(id);
    if (place === undefined) {
      return { leg: leg.name, rank: null, score: null, normalised: null, weight, contribution: 0 };
    }
    const normalised = value(leg, place);
    const contribution = weight > 0 ? (strategy === "max" ? normalised : weigh(leg, place, weight)) : 0;
    return { leg: leg.name, rank: place + 1, score: leg.scores[place], normalised, weight, contribution };
  });
  return strategy === "max" ? keepLargest(parts) : parts;
}

/** The same sum as a line of Python, every digit kept: `1.0/(60+3) + 0.5/(60+1)  # 0.0240…`. */
export function pythonOf(legs, { strategy = "rrf", k = DEFAULT_K }, parts, score) {
  const counted = parts.filter((part) => part.rank !== null && part.weight > 0);
  const terms = counted.map((part) => {
    const leg = legs.find((each) => each.name === part.leg);
    if (strategy === "max") return `${part.score}`;
    if (strategy === "weighted") return `${part.weight} * ${part.score}`;
    if (strategy === "dbsf") return leg.sigma === 0 ? "0.0" : `${part.weight} * (${part.score} - ${leg.mean}) / ${leg.sigma}`;
    if (strategy === "dbsf_qdrant") {
      const [low, high] = threeSigma(leg);
      return low === high ? `${part.weight} * 0.5` : `${part.weight} * (${part.score} - ${low}) / (${high} - ${low})`;
    }
    if (strategy === "rrf_qdrant") return `1 / (${k} + ${part.rank} / ${part.weight} - 1)`;
    const rank = strategy === "rrf" || strategy === "learned" ? part.rank : part.rank - 1;
    return `${strategy === "rrf_chroma" ? "-" : ""}${part.weight} / (${k} + ${rank})`;
  });
  const sum = strategy === "max" && terms.length ? `max([${terms.join(", ")}])` : terms.join(" + ") || "0.0";
  const names = counted.map((part) => part.leg).join(", ");
  return `score = ${sum}  # ${score}${names ? `, from ${names}` : ""}`.replaceAll("- -", "+ ");
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
    if (strategy === "dbsf_qdrant") {
      if (!leg || !leg.deviation) return `${weight}·0.5`;
      const [low, high] = threeSigma(leg);
      return `${weight}·(${figure(part.score)} ${low < 0 ? `+ ${figure(-low)}` : `− ${figure(low)}`})/${figure(high - low)}`;
    }
    if (strategy === "rrf_qdrant") return `1/(${numeral(k, 0)}+${part.rank}/${weight}−1)`;
    const rank = strategy === "rrf" || strategy === "learned" ? part.rank : part.rank - 1;
    return `${strategy === "rrf_chroma" ? "−" : ""}${weight}/(${numeral(k, 0)}+${rank})`;
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

/** (leg, place) → what the weight multiplies. */
export function normaliser(strategy, k) {
  if (strategy === "dbsf") {
    return (leg, place) => (leg.sigma === 0 ? 0 : (leg.scores[place] - leg.mean) / leg.sigma);
  }
  if (strategy === "dbsf_qdrant") {
    return (leg, place) => {
      const [low, high] = threeSigma(leg);
      return low === high ? 0.5 : (leg.scores[place] - low) / (high - low);
    };
  }
  if (strategy === "weighted" || strategy === "max") return (leg, place) => leg.scores[place];
  if (strategy === "rrf_chroma") return (leg, place) => -(1 / (k + place));
  if (strategy === "rrf_llamaindex" || strategy === "rrf_qdrant") return (leg, place) => 1 / (k + place);
  return (leg, place) => 1 / (k + place + 1);
}

/** What a place gives to the fused score, for a weight above 0. */
export function weigher(strategy, k, value) {
  if (strategy === "rrf_qdrant") return (leg, place, weight) => 1 / (k + (place + 1) / weight - 1);
  return (leg, place, weight) => weight * value(leg, place);
}

function threeSigma({ mean, deviation }) {
  return [mean - 3 * deviation, mean + 3 * deviation];
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

/** Mean, deviation of the whole (sigma) and of a sample (deviation). */
function spread(scores) {
  if (!scores.length) return { mean: 0, sigma: 0, deviation: 0 };
  const mean = exactSum(scores) / scores.length;
  const squares = exactSum(scores.map((score) => (score - mean) * (score - mean)));
  const isFlat = scores.every((score) => score === scores[0]);
  return {
    mean,
    sigma: isFlat ? 0 : Math.sqrt(squares / scores.length),
    deviation: isFlat ? 0 : Math.sqrt(squares / (scores.length - 1)),
  };
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
