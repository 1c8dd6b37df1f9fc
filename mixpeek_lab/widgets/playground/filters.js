// Filters as rows of a form: conditions that must all hold, to the lab's JSON and back. Pure.

/** Operator → what it is called, and for which types of field. */
export const OPERATOR_WORDS = {
  eq: ["is", "text number boolean time"],
  ne: ["is not", "text number boolean time"],
  gte: ["at least", "number time"],
  lte: ["at most", "number time"],
  in: ["is one of", "text number"],
  contains: ["contains", "text"],
  starts_with: ["starts with", "text"],
  regex: ["matches", "text"],
  exists: ["is there", "text number boolean time"],
};

export function operatorsOf(type) {
  return Object.keys(OPERATOR_WORDS).filter((name) => OPERATOR_WORDS[name][1].split(" ").includes(type));
}

/** Conditions → a filter; null where none is complete. */
export function filterOf(conditions) {
  const complete = conditions.filter(({ field, operator, value }) => field && (operator === "exists" || (Array.isArray(value) ? value.length : value !== "" && value !== null && value !== undefined)));
  const parts = complete.map(({ field, operator, value }) => ({ field, operator, value: operator === "exists" ? true : value }));
  return parts.length > 1 ? { AND: parts } : parts[0] ?? null;
}

/** A filter → conditions; null where a form of rows cannot show it. */
export function conditionsOf(filter) {
  if (!filter) return [];
  const keys = Object.keys(filter);
  const parts = keys.length === 1 && keys[0] === "AND" && Array.isArray(filter.AND) ? filter.AND : [filter];
  const found = [];
  for (const part of parts) {
    if (typeof part?.field === "string") {
      const { field, operator = "eq", value = true, ...more } = part;
      if (!OPERATOR_WORDS[operator] || Object.keys(more).length || (operator === "exists" && value !== true)) return null;
      found.push({ field, operator, value });
    } else {
      // {"year": 2024}: equality, all of them.
      for (const [field, value] of Object.entries(part ?? {})) {
        if (field === "AND" || field === "OR" || field === "NOT" || typeof value === "object") return null;
        found.push({ field, operator: "eq", value });
      }
    }
  }
  return found;
}

/** What was typed, as a value of the field's type; for `in` a list, parted by commas. */
export function valueOf(text, type, operator) {
  if (operator === "in") return text.split(",").map((each) => each.trim()).filter(Boolean).map((each) => valueOf(each, type, "eq"));
  if (type === "number") return text.trim() === "" || Number.isNaN(Number(text)) ? null : Number(text);
  if (type === "boolean") return text === "true";
  return text;
}

/** The documents that a filter names, as a map's lasso puts them; null where it names none. */
export function documentsOf(filter) {
  return partsOf(filter).find(isDocuments)?.value ?? null;
}

/** The filter with these documents in place of those that it names; null takes them off. */
export function withDocuments(filter, ids) {
  const parts = partsOf(filter).filter((part) => !isDocuments(part));
  if (ids) parts.push({ field: "document_id", operator: "in", value: ids });
  return parts.length > 1 ? { AND: parts } : parts[0] ?? null;
}

const isDocuments = (part) => part?.field === "document_id" && part.operator === "in" && Array.isArray(part.value);

function partsOf(filter) {
  if (!filter) return [];
  return Object.keys(filter).length === 1 && Array.isArray(filter.AND) ? filter.AND : [filter];
}
