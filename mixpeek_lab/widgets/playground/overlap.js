// How much two rankings agree. Pure.

/** Shared documents over all documents of both lists; 1 where both are empty. */
export function jaccard(a, b) {
  const [first, second] = [new Set(a), new Set(b)];
  const both = [...first].filter((id) => second.has(id)).length;
  const all = first.size + second.size - both;
  return all ? both / all : 1;
}

/**
 * Rank-biased overlap, extrapolated to infinite depth (Webber, Moffat, Zobel 2010, eq. 32). The
 * first ranks count most: with p = 0.9 the first ten hold 86% of the weight.
 */
export function rankBiasedOverlap(a, b, p = 0.9) {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (!short.length) return long.length ? 0 : 1;
  const [s, l] = [short.length, long.length];
  const [inShort, inLong] = [new Set(), new Set()];
  let shared = 0;
  let atShort = 0;
  let sum = 0;
  for (let depth = 1; depth <= l; depth += 1) {
    const one = long[depth - 1];
    const other = depth <= s ? short[depth - 1] : undefined;
    inLong.add(one);
    if (other !== undefined) inShort.add(other);
    if (inShort.has(one)) shared += 1;
    if (other !== undefined && other !== one && inLong.has(other)) shared += 1;
    if (depth === s) atShort = shared;
    sum += (shared / depth) * p ** depth;
    if (depth > s) sum += ((atShort * (depth - s)) / (s * depth)) * p ** depth;
  }
  return ((1 - p) / p) * sum + ((shared - atShort) / l + atShort / s) * p ** l;
}
