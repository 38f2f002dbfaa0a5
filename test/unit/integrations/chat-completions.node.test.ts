import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLanguageModel } from "../../../src/integrations/llm/chat-completions";
import type { LlmConfig } from "../../../src/kernel/config";
import { AppError } from "../../../src/kernel/errors/app-error";
import { startLanguageModel } from "../../support/outside-services.mjs";

let upstream: Awaited<ReturnType<typeof startLanguageModel>>;
const config = (changed: Partial<LlmConfig> = {}): LlmConfig => ({ baseUrl: `${upstream.origin}/v1`, apiKey: upstream.apiKey, model: "badger-1", options: { thinking: { type: "disabled" } }, timeoutMs: 5_000, ...changed });
const ask = (changed: Partial<LlmConfig> = {}, signal = new AbortController().signal) => createLanguageModel(config(changed)).complete([{ role: "user", content: "Grüße, 蜜獾!" }], signal);

/** What `ask` fails with, and that it tells no secret. */
async function failureOf(asking: Promise<string>): Promise<AppError> {
  const error = await asking.then(() => null, (reason: unknown) => reason);
  if (!(error instanceof AppError)) throw new Error(`expected a failure of ours, not ${String(error)}`);
  expect(error.message).not.toContain(upstream.apiKey);
  expect(error.cause instanceof Error ? error.cause.message : "").not.toContain(upstream.apiKey);
  return error;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 200) throw new Error("it did not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  upstream = await startLanguageModel();
});
afterEach(() => upstream.as("whole"));
afterAll(() => upstream.close());

describe("chat completions", () => {
  it.each(["whole", "stream"] as const)("gives the reply of a %s answer", async (mode) => {
    upstream.as(mode);
    expect(await ask()).toBe("You said: Grüße, 蜜獾!");
    expect(upstream.seen.at(-1)?.body).toMatchObject({ model: "badger-1", stream: false, thinking: { type: "disabled" }, messages: [{ role: "user", content: "Grüße, 蜜獾!" }] });
  });

  it("lets no option change what we ask", async () => {
    await ask({ options: { stream: true, model: "other", temperature: 0 } });
    expect(upstream.seen.at(-1)?.body).toMatchObject({ model: "badger-1", stream: false, temperature: 0 });
  });

  it.each([
    [400, "BAD_GATEWAY"],
    [401, "BAD_GATEWAY"],
    [402, "BAD_GATEWAY"],
    [404, "BAD_GATEWAY"],
    [422, "BAD_GATEWAY"],
    [307, "BAD_GATEWAY"],
    [429, "RATE_LIMITED"],
    [500, "DEPENDENCY_UNAVAILABLE"],
    [503, "DEPENDENCY_UNAVAILABLE"],
  ])("classes an upstream %i as %s", async (status, code) => {
    upstream.as(status);
    const error = await failureOf(ask());
    expect(error.code).toBe(code);
    if (status === 429) expect(error.retryAfterSeconds).toBe(17);
  });

  it("repeats nothing of an answer that is none", async () => {
    upstream.as("nonsense");
    const error = await failureOf(ask());
    expect(error.code).toBe("DEPENDENCY_UNAVAILABLE");
    expect(error.cause instanceof Error && error.cause.message).toBe("the model's answer is not the JSON it should be");
  });

  it("says unavailable when nobody is there, and when the stream breaks off or never ends", async () => {
    expect((await failureOf(ask({ baseUrl: "http://127.0.0.1:1" }))).code).toBe("DEPENDENCY_UNAVAILABLE");
    for (const mode of ["broken-stream", "endless"] as const) {
      upstream.as(mode);
      expect((await failureOf(ask())).code, mode).toBe("DEPENDENCY_UNAVAILABLE");
    }
    upstream.as("empty");
    expect((await failureOf(ask())).code).toBe("BAD_GATEWAY");
  });

  it.each(["hang", "hanging-stream"] as const)("gives up on an upstream that does %s", async (mode) => {
    upstream.as(mode);
    const error = await failureOf(ask({ timeoutMs: 200 }));
    expect(error.code).toBe("DEPENDENCY_UNAVAILABLE");
    await until(() => upstream.seen.at(-1)?.closedEarly === true);
  });

  it.each(["hang", "hanging-stream"] as const)("ends the upstream's work when the caller leaves (%s)", async (mode) => {
    upstream.as(mode);
    const caller = new AbortController();
    const before = upstream.seen.length;
    const asking = failureOf(ask({}, caller.signal));
    await until(() => upstream.seen.length > before);
    caller.abort();
    expect((await asking).code).toBe("CLIENT_GONE");
    await until(() => upstream.seen.at(-1)?.closedEarly === true);
  });
});
