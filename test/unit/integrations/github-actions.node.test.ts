import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createGithubActions } from "../../../src/integrations/github/actions";
import { readEnv, type Env } from "../../../src/env";
import type { CiConfig } from "../../../src/kernel/config";
import { startGithub } from "../../support/outside-services.mjs";
import { testSecrets } from "../../support/secrets";

let github: Awaited<ReturnType<typeof startGithub>>;
beforeAll(async () => {
  github = await startGithub();
});
afterAll(() => github.close());
beforeEach(() => {
  github.fail("");
  github.seen.length = 0;
});

const config = (change: Partial<CiConfig> = {}): CiConfig => ({ token: github.token, repository: "den/compat", workflow: "openclaw-compat.yml", ref: "main", baseUrl: github.origin, ...change });
const dispatch = (inputs: Record<string, string>, change: Partial<CiConfig> = {}) => createGithubActions(config(change)).dispatch(inputs);

describe("workflow_dispatch on GitHub", () => {
  it("starts the workflow with the inputs as they are", async () => {
    expect(await dispatch({ openclaw_version: "2026.11.1", runtime: "hermes" })).toEqual({ kind: "started" });
    expect(github.seen).toMatchObject([{ method: "POST", path: "/repos/den/compat/actions/workflows/openclaw-compat.yml/dispatches", body: { ref: "main", inputs: { openclaw_version: "2026.11.1", runtime: "hermes" } } }]);
    expect(createGithubActions(config()).target).toEqual({ repository: "den/compat", workflow: "openclaw-compat.yml", ref: "main" });
  });

  it("tells in GitHub's words what it does not take", async () => {
    expect(await dispatch({ openclaw_version: "1" }, { ref: "gone" })).toEqual({ kind: "refused", reason: "No ref found for: gone" });
    expect(await dispatch({ colour: "red" })).toMatchObject({ kind: "refused", reason: expect.stringContaining("colour") });
  });

  it("blames our configuration, without the token", async () => {
    const logged = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const erred = vi.spyOn(console, "error").mockImplementation(() => undefined);
    for (const change of [{ token: "wrong" }, { repository: "den/other" }, { workflow: "other.yml" }]) await expect(dispatch({ openclaw_version: "1" }, change), JSON.stringify(change)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    github.fail("403");
    const failure = await dispatch({ openclaw_version: "1" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "BAD_GATEWAY" });
    expect(JSON.stringify([logged.mock.calls, erred.mock.calls, String(failure)])).not.toContain(github.token);
    vi.restoreAllMocks();
  });

  it("asks to come again when GitHub is down or has had too much", async () => {
    github.fail("limit");
    await expect(dispatch({ openclaw_version: "1" })).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE", retryAfterSeconds: 7 });
    for (const mode of ["500", "redirect"] as const) {
      github.fail(mode);
      await expect(dispatch({ openclaw_version: "1" }), mode).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    }
    await expect(dispatch({ openclaw_version: "1" }, { baseUrl: "http://127.0.0.1:1" })).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(github.seen).toHaveLength(3);
  });
});

describe("settings", () => {
  const read = (more: Partial<Env>) => readEnv({ ...testSecrets, ENVIRONMENT: "local", ...more } as Env);

  it("of the workflow are a token and a repository, or neither", () => {
    expect(read({}).ci).toBeNull();
    expect(read({ GITHUB_DISPATCH_TOKEN: "t", GITHUB_DISPATCH_REPO: "den/compat" }).ci).toEqual({ token: "t", repository: "den/compat", workflow: "openclaw-compat.yml", ref: "main", baseUrl: "https://api.github.com" });
    expect(() => read({ GITHUB_DISPATCH_TOKEN: "t" })).toThrow("GITHUB_DISPATCH_REPO");
    expect(() => read({ GITHUB_DISPATCH_REPO: "den/compat" })).toThrow("GITHUB_DISPATCH_TOKEN");
    for (const repository of ["den", "den/compat/x", "den/", "../x/y"]) expect(() => read({ GITHUB_DISPATCH_TOKEN: "t", GITHUB_DISPATCH_REPO: repository }), repository).toThrow("GITHUB_DISPATCH_REPO");
  });

  it("of the reports are a secret that nobody guesses, or none", () => {
    expect([read({}).compatWebhookSecret, read({ COMPAT_WEBHOOK_SECRET: "x".repeat(16) }).compatWebhookSecret]).toEqual([null, "x".repeat(16)]);
    expect(() => read({ COMPAT_WEBHOOK_SECRET: "short" })).toThrow("COMPAT_WEBHOOK_SECRET");
  });

  it("of the registry: nobody is asked unless told whom", () => {
    expect([read({}), read({ NPM_REGISTRY_URL: "http://127.0.0.1:4873/" }), read({ NPM_REGISTRY_URL: "off" })].map((config) => config.npmRegistryUrl)).toEqual([null, "http://127.0.0.1:4873", null]);
    expect(() => read({ NPM_REGISTRY_URL: "npm" })).toThrow("NPM_REGISTRY_URL");
  });
});
