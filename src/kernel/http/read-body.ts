import { AppError } from "../errors/app-error";

/** Default ceiling of a request body, bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Reads a JSON body without ever holding more than `maxBytes` of it. A missing body answers undefined.
 * @throws AppError PAYLOAD_TOO_LARGE, VALIDATION_ERROR (malformed JSON, with the place)
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<unknown> {
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const text = await readText(request, maxBytes);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new AppError("VALIDATION_ERROR", "The body is not valid JSON.", {
      issues: [{ loc: ["body", position === undefined ? 0 : Number(position)], msg: "JSON decode error", type: "json_invalid" }],
    });
  }
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  if (!request.body) return "";
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
