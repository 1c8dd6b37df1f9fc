// A payload as sending.py sends it → as all the rest of the playground has it.

/** Legs' places in `payload.candidates` become ids again. A payload that came whole stays. */
export function unpacked(payload) {
  if (!payload?.candidates) return payload;
  const { candidates, ...rest } = payload;
  const legs = payload.legs.map((leg) => ({
    ...leg,
    document_ids: Array.from(leg.document_ids, (place) => candidates[place]),
    scores: Array.from(leg.scores, (score) => (Number.isNaN(score) ? null : score)),
  }));
  return { ...rest, legs };
}
