/** Pipes exactly `sizeBytes` of `body` into `store` without holding them. With more, fewer or a failure the store meets a broken stream and keeps nothing. */
export async function streamExactly<T>(body: ReadableStream<Uint8Array>, sizeBytes: number, store: (stream: ReadableStream<Uint8Array>) => Promise<T>): Promise<T> {
  const { readable, writable } = new FixedLengthStream(sizeBytes);
  const [stored] = await Promise.all([store(readable), body.pipeTo(writable)]);
  return stored;
}
