import { describe, expect, it } from "vitest";
import { readEnv, type Env } from "../../../src/env";
import { testSecrets } from "../../support/secrets";

const read = (more: Partial<Env>) => readEnv({ ...testSecrets, ENVIRONMENT: "local", ...more } as Env).compute;
const bad = (name: string) => expect.objectContaining({ code: "BAD_ENVIRONMENT", message: expect.stringContaining(name) as string }) as Error;

describe("who lends cloud machines", () => {
  it("is nobody unless told, and one driver at a time", () => {
    expect(read({})).toBeNull();
    expect(() => read({ COMPUTE_DRIVER: "mainframe" })).toThrow(bad("COMPUTE_DRIVER"));
    expect(read({ COMPUTE_DRIVER: "orgo", ORGO_API_KEY: "sk_live_x" })).toMatchObject({ driver: "orgo", baseUrl: "https://www.orgo.ai/api", workspaceName: "sett", timeoutMs: 20_000 });
    expect(() => read({ COMPUTE_DRIVER: "orgo" })).toThrow(bad("ORGO_API_KEY"));
    expect(() => read({ COMPUTE_DRIVER: "orgo", ORGO_API_KEY: "sk_live_x", ENVIRONMENT: "production" })).toThrow(bad("PUBLIC_URL"));
  });

  it("lets a step's calls end before its claim on the row does", () => {
    for (const COMPUTE_TIMEOUT_MS of ["0", "25001", "120000"]) expect(() => read({ COMPUTE_DRIVER: "orgo", ORGO_API_KEY: "sk_live_x", COMPUTE_TIMEOUT_MS })).toThrow(bad("COMPUTE_TIMEOUT_MS"));
  });

  it("gives local processes the address that the server was started with, never one that a caller named, and only locally", () => {
    const agent = { COMPUTE_DRIVER: "process", PROCESS_AGENT_URL: "http://127.0.0.1:1", PROCESS_AGENT_TOKEN: "t" };
    expect(() => read(agent)).toThrow(bad("PROCESS_AGENT_URL"));
    expect(read({ ...agent, PROCESS_SERVER_URL: "http://127.0.0.1:8787" })).toMatchObject({ driver: "process", serverUrl: "http://127.0.0.1:8787" });
    expect(() => read({ ...agent, PROCESS_SERVER_URL: "http://127.0.0.1:8787", ENVIRONMENT: "production" })).toThrow(bad("COMPUTE_DRIVER"));
  });
});
