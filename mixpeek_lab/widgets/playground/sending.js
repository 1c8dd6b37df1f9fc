// An answer as sending.py packs it → as all the rest of the playground has it.

/** Legs' places in `payload.candidates` become ids again. A body that came whole stays. */
export function unpacked(body) {
  if (!body.arrays) return body;
  const { head: { payload, ...told }, arrays } = body;
  if (!payload) return { ...told, payload };
  const { candidates, ...rest } = payload;
  const legs = payload.legs.map((leg, at) => ({
    ...leg,
    document_ids: Array.from(arrays[2 * at](Int32Array), (place) => candidates[place]),
    scores: Array.from(arrays[2 * at + 1](Float64Array), (score) => (Number.isNaN(score) ? null : score)),
  }));
  return { ...told, payload: { ...rest, legs } };
}
