// Which hits stand under a choice of fusion. Pure: as widgets/ranking.py has it in Python.
import { explain, fuse, hasK } from "../fusion.js";

/** The fusion that the retriever itself used. */
export function deliveredOf(payload, legs) {
  const { strategy = "rrf", k = 60 } = payload?.fusion ?? {};
  return { strategy, k, weights: Object.fromEntries(legs.map((leg) => [leg.name, leg.weight ?? 1])) };
}

/** Whether a choice leaves candidates of a leg out that are there. */
export function isCut(payload, topK = {}) {
  return payload.legs.some((leg) => (topK[leg.name] ?? Infinity) < leg.document_ids.length);
}

/** Whether a leg should keep more than the payload has of it, and may have more. */
export function isShort(payload, topK = {}) {
  return payload.legs.some((leg) => leg.top_k && (topK[leg.name] ?? 0) > leg.top_k && leg.document_ids.length >= leg.top_k);
}

/** Whether two choices give the same ranking by their settings alone. */
export function isSameChoice(now, own) {
  const isSameK = now.k === own.k || !hasK(now.strategy);
  return now.strategy === own.strategy && isSameK && Object.keys(own.weights).every((name) => own.weights[name] === now.weights[name]);
}

/**
 * The retriever's own hits while the controls stand where it has them, else a new fusion:
 * {ranking, hits, isLater (stages changed this order), isBefore (stages are not applied)}.
 */
export function ranked(payload, legs, now, limit) {
  const ranking = fuse(legs, now);
  const own = deliveredOf(payload, payload.legs);
  const isStaged = (payload.stages ?? []).length > 0;
  const fused = () => ranking.slice(0, limit).map(({ id, score }, at) => (
    { document_id: id, rank: at + 1, score, contributions: explain(legs, now, id) }));
  if (!isSameChoice(now, own) || isCut(payload, now.top_k)) return { ranking, hits: fused(), isLater: false, isBefore: isStaged };
  const isLater = isStaged || payload.hits.some((hit, at) => hit.document_id !== ranking[at]?.id);
  const isOwn = isLater || payload.hits.length >= limit;
  return { ranking, hits: isOwn ? payload.hits.slice(0, limit) : fused(), isLater, isBefore: false };
}

/** The ids of the first `limit` hits under a choice, by the retriever's own stages where it is its own. */
export function topIds(payload, legs, choice, limit) {
  return ranked(payload, legs, choice, limit).hits.map((hit) => hit.document_id);
}
