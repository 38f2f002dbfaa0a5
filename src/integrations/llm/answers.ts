/** Longest answer body or reply that is read; a model asked for a thousand tokens stays far below. */
const MAX_ANSWER_BYTES = 256 * 1024;
const DATA = "data:";
const END = "[DONE]";

interface Completion {
  readonly choices?: readonly { readonly message?: { readonly content?: unknown }; readonly delta?: { readonly content?: unknown } }[];
  readonly error?: unknown;
}

/** The engine's own message would quote the answer, and failures are logged. */
function parse(text: string): Completion {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object") return value;
  } catch {
    // Said below.
  }
  throw new Error("the model's answer is not the JSON it should be");
}

const textOf = (content: unknown): string => (typeof content === "string" ? content : "");

/** The reply in a whole answer. @throws when it is no JSON or too long */
export async function readWhole(response: Response): Promise<string> {
  let text = "";
  for await (const piece of readText(response)) text += piece;
  return textOf(parse(text).choices?.[0]?.message?.content);
}

/** The reply of an SSE stream, put together. @throws when the stream breaks off, reports an error or is too long */
export async function collapseStream(response: Response, signal: AbortSignal): Promise<string> {
  let reply = "";
  let rest = "";
  for await (const piece of readText(response)) {
    signal.throwIfAborted();
    // The last piece may end within a line.
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const data = line.startsWith(DATA) ? line.slice(DATA.length).trim() : "";
      if (data === END) return reply;
      if (data !== "") reply += readDelta(data);
    }
  }
  throw new Error("the model's stream broke off");
}

function readDelta(data: string): string {
  const { choices, error } = parse(data);
  if (error !== undefined) throw new Error("the model's stream reported an error");
  return textOf(choices?.[0]?.delta?.content ?? choices?.[0]?.message?.content);
}

/** The body as text, piece by piece; leaving the loop early closes the connection. */
async function* readText(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > MAX_ANSWER_BYTES) throw new Error("the model's answer is too long");
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
