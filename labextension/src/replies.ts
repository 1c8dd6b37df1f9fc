import type { ReplyHeader } from './protocol';

/** An answer that says what went wrong. */
export class RequestError extends Error {
  constructor(
    readonly kind: string,
    message: string
  ) {
    super(message);
    this.name = 'RequestError';
  }
}

interface Pending {
  parts: Uint8Array[];
  resolve: (body: unknown) => void;
  reject: (error: Error) => void;
}

/** The requests that wait for their answer, and the answers put together from their parts. */
export class Replies {
  /** How many requests wait. */
  get size(): number {
    return this._pending.size;
  }

  /** A promise for the answer to request `id`. */
  expect<T>(id: string): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this._pending.set(id, {
        parts: [],
        resolve: body => resolve(body as T),
        reject
      });
    });
  }

  /** Take one message in. Answers to requests of somebody else are left alone. */
  receive(header: ReplyHeader, buffers: readonly (ArrayBuffer | ArrayBufferView)[]): void {
    const pending = this._pending.get(header.id);
    if (!pending) {
      return;
    }
    if (!header.ok) {
      this._pending.delete(header.id);
      pending.reject(new RequestError(header.error?.kind ?? '', header.error?.message ?? ''));
      return;
    }
    pending.parts.push(...buffers.map(bytesOf));
    if ((header.part ?? 0) + 1 >= (header.parts ?? 1)) {
      this._pending.delete(header.id);
      decode(pending.parts, header.encoding).then(pending.resolve, pending.reject);
    }
  }

  /** Nobody will answer any more. */
  fail(message: string): void {
    const pending = [...this._pending.values()];
    this._pending.clear();
    for (const { reject } of pending) {
      reject(new RequestError('Disconnected', message));
    }
  }

  private readonly _pending = new Map<string, Pending>();
}

function bytesOf(buffer: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
}

async function decode(parts: Uint8Array[], encoding = 'json'): Promise<unknown> {
  const blob = new Blob(parts as BlobPart[]);
  const text =
    encoding === 'gzip'
      ? await new Response(blob.stream().pipeThrough(new DecompressionStream('gzip'))).text()
      : new TextDecoder().decode(await blob.arrayBuffer());
  return JSON.parse(text);
}
