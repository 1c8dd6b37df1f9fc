// What an answer of the kernel holds, out of the buffers of its messages: see messages.py.

/** JSON; of bytes themselves a Uint8Array; of packed ones `{head, arrays}`, see `unpack`. */
export async function bodyOf(buffers, { encoding, is_packed: isPacked }) {
  const whole = joined(buffers.map((each) => new Uint8Array(each.buffer ?? each, each.byteOffset ?? 0, each.byteLength)));
  if (encoding === "binary") return whole;
  const bytes = encoding === "gzip" ? await unzipped(whole) : whole;
  return isPacked ? unpack(bytes) : JSON.parse(new TextDecoder().decode(bytes));
}

/** `{head, arrays}`: `arrays[n](Type)` is the n-th array seen as a typed array. `bytes` have a buffer of their own. */
export function unpack({ buffer }) {
  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const arrays = head.buffers.map(([offset, bytes]) => (Type) => new Type(buffer, 4 + size + offset, bytes / Type.BYTES_PER_ELEMENT));
  return { head, arrays };
}

/** The parts in one buffer of their own: a typed array cannot begin anywhere in a longer message. */
function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

async function unzipped(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
