// What documents are called: their name, and what tells those of one name apart.
import { beginningOf, headingOf, passageOf } from "../documents.js";

/** `nameOf(id, payload)` and `titleOf(id, payload)` over the answer that is shown. */
export function makeNames(state) {
  const counted = new WeakMap(); // payload → {size, counts}: documents come in by and by

  const textFieldOf = (payload) => payload?.text_field ?? "data";

  /** A document's fields; the one that is asked with is told of beside the query. */
  function fieldsOf(id, payload) {
    return payload?.documents[id]?.fields ?? (id === state.like ? payload?.query?.document?.fields : null) ?? {};
  }

  const nameOf = (id, payload = state.payload) => headingOf(fieldsOf(id, payload), textFieldOf(payload))[1] || id;

  /** Name → how many documents of the answer have it. */
  function countsOf(payload) {
    const ids = Object.keys(payload.documents);
    const known = counted.get(payload);
    if (known?.size === ids.length) return known.counts;
    const counts = new Map();
    for (const name of ids.map((id) => nameOf(id, payload))) counts.set(name, (counts.get(name) ?? 0) + 1);
    counted.set(payload, { size: ids.length, counts });
    return counts;
  }

  /** The name; with the passage's number where a field has one, else, of several of one name, with its first words. */
  function titleOf(id, payload = state.payload) {
    const name = nameOf(id, payload);
    const fields = fieldsOf(id, payload);
    const number = passageOf(fields);
    if (number !== null) return `${name} · ${number}`;
    const text = fields[textFieldOf(payload)];
    const isShared = payload && (countsOf(payload).get(name) ?? 0) > (payload.documents[id] ? 1 : 0);
    if (!isShared || typeof text !== "string" || payload.documents[id]?.media) return name;
    const words = beginningOf(text);
    return words ? `${name} · ${words}` : name;
  }

  return { nameOf, titleOf };
}
