import { AppError } from "../errors/app-error";

/** Default ceiling of a request body, bytes. */
export const MAX_BODY_BYTES = 64 * 1024;
/** Deepest JSON that we take in, over HTTP and sockets. */
export const MAX_JSON_DEPTH = 64;

/**
 * Reads a JSON body without ever holding more than `maxBytes` of it. A missing body answers undefined.
 * @throws AppError PAYLOAD_TOO_LARGE, VALIDATION_ERROR (malformed JSON, with the place)
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<unknown> {
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const text = await readText(request, maxBytes);
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new AppError("VALIDATION_ERROR", "The body is not valid JSON.", {
      issues: [{ loc: ["body", position === undefined ? 0 : Number(position)], msg: "JSON decode error", type: "json_invalid" }],
    });
  }
  if (!nestsWithin(value, MAX_JSON_DEPTH)) throw new AppError("VALIDATION_ERROR", "The body is nested too deep.", { issues: [{ loc: ["body"], msg: `JSON should nest at most ${MAX_JSON_DEPTH} levels`, type: "json_too_deep" }] });
  return value;
}

/**
 * Reads a body as it is, without ever holding more than `maxBytes` of it.
 * @throws AppError PAYLOAD_TOO_LARGE
 */
export async function readBodyBytes(source: Request | Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(source.headers.get("content-length") ?? "0") > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = source.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    size += next.value.byteLength;
    if (size > maxBytes) {
      await reader?.cancel();
      throw tooLarge(maxBytes);
    }
    chunks.push(next.value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  if (!request.body) return "";
  // A declared length is enforced by HTTP itself, and was found small enough: the runtime reads faster than we do.
  if (request.headers.has("content-length")) return request.text();
  const reader = request.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      throw tooLarge(maxBytes);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("PAYLOAD_TOO_LARGE", `The body is larger than ${maxBytes} bytes.`, { extras: { max_bytes: maxBytes } });
}

/** Whether `value` nests at most `levels` deep. Deeper ones overflow the stack of whatever walks them later: cloning, stringifying. */
export function nestsWithin(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return true;
  return levels > 0 && Object.values(value).every((inner) => nestsWithin(inner, levels - 1));
}
