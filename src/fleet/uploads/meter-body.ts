import { HEAD_BYTES } from "./uploads.core";

interface MeteredBody {
  /** The first bytes, fewer only when the body has no more. */
  readonly head: Uint8Array;
  /** The whole body, from its first byte on. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether its sender failed: it broke off, or had more or fewer bytes than announced. */
  isBroken(): boolean;
}

/** Looks at a body's beginning and counts the rest as it passes; holds one chunk at a time, and fails past `sizeBytes`. */
export async function meterBody(body: ReadableStream<Uint8Array>, sizeBytes: number): Promise<MeteredBody> {
  const reader = body.getReader();
  const first: Uint8Array[] = [];
  let held = 0;
  let ended = false;
  while (held < HEAD_BYTES && !ended) {
    // Whoever breaks off before the beginning is over has sent no file of any type.
    const value = (await reader.read().catch(() => undefined))?.value;
    if (!value) ended = true;
    else {
      first.push(value);
      held += value.byteLength;
    }
  }
  const head = new Uint8Array(first.flatMap((chunk) => [...chunk.subarray(0, HEAD_BYTES)]).slice(0, HEAD_BYTES));
  let seen = 0;
  let broken = false;
  const rethrowBroken = (error: unknown): never => {
    broken = true;
    throw error;
  };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const waiting = first.shift();
      const value = waiting ?? (ended ? undefined : (await reader.read().catch(rethrowBroken)).value);
      seen += value?.byteLength ?? 0;
      broken = value ? seen > sizeBytes : seen !== sizeBytes;
      if (!value) return controller.close();
      if (broken) {
        await reader.cancel();
        throw new Error("the body is longer than announced");
      }
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { head, stream, isBroken: () => broken };
}

/** Most bytes that we let somebody send in vain; beyond, the connection is cut. */
const DISCARD_MAX_BYTES = 32 * 1024 * 1024;

/** Reads what is still to come and keeps nothing of it. */
export async function discard(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  let seen = 0;
  try {
    for (let next = await reader.read(); !next.done && seen <= DISCARD_MAX_BYTES; next = await reader.read()) seen += next.value.byteLength;
    await reader.cancel();
  } catch {
    // Whoever sent it is gone, or it was longer than it said; the refusal stands either way.
  }
}
