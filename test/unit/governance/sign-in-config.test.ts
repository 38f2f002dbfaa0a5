import { describe, expect, it } from "vitest";
import { readSignIn } from "../../../src/governance/sign-in-config";
import type { Config } from "../../../src/kernel/config";

const read = (variables: Readonly<Record<string, string>>, environment: Config["environment"] = "production") => readSignIn({ environment, variable: (name: string) => variables[name] } as Config);
const NEEDED = { OIDC_ISSUER_URL: "https://id.example.org/", OIDC_CLIENT_ID: "sett" };

describe("readSignIn", () => {
  it("is null when nothing is set, and needs both of what it needs", () => {
    expect(read({})).toBeNull();
    expect(() => read({ OIDC_ISSUER_URL: NEEDED.OIDC_ISSUER_URL })).toThrow(/OIDC_CLIENT_ID/);
    expect(() => read({ OIDC_CLIENT_ID: "sett" })).toThrow(/OIDC_ISSUER_URL/);
  });

  it("fills in the rest, and makes nobody an operator", () => {
    expect(read(NEEDED)).toEqual({
      provider: { issuer: "https://id.example.org/", clientId: "sett", clientSecret: null, scopes: "openid email profile", allowHttp: false },
      redirectUri: null,
      cookieName: "opencrane_oidc",
      cookieSecure: null,
      sessionMaxAgeMs: 43_200_000,
      operators: { everybody: false, emails: new Set(), domains: new Set() },
    });
  });

  it("reads lists in any case", () => {
    const { operators } = read({ ...NEEDED, OIDC_ALLOWED_EMAILS: "Ada@Example.org, bob@example.org", OIDC_ALLOWED_EMAIL_DOMAINS: "@Corp.example,other.example" }) ?? {};
    expect(operators).toEqual({ everybody: false, emails: new Set(["ada@example.org", "bob@example.org"]), domains: new Set(["corp.example", "other.example"]) });
    expect(read({ ...NEEDED, OIDC_ALLOWED_EMAILS: "*" })?.operators.everybody).toBe(true);
  });

  it("knows no domain without a name", () => expect(read({ ...NEEDED, OIDC_ALLOWED_EMAIL_DOMAINS: "@, ,example.org" })?.operators.domains).toEqual(new Set(["example.org"])));

  it("lets a cookie be bound to its host, over TLS only", () => {
    expect(read({ ...NEEDED, OIDC_COOKIE_NAME: "__Host-sett" })?.cookieName).toBe("__Host-sett");
    expect(() => read({ ...NEEDED, OIDC_COOKIE_NAME: "__Host-sett", OIDC_COOKIE_SECURE: "0" })).toThrow(/OIDC_COOKIE_SECURE/);
  });

  it("always asks for an identity token", () => expect(read({ ...NEEDED, OIDC_SCOPES: "email,groups" })?.provider.scopes).toBe("openid email groups"));

  it("asks for TLS everywhere but on the own machine", () => {
    const plain = { ...NEEDED, OIDC_ISSUER_URL: "http://127.0.0.1:4000" };
    for (const environment of ["production", "staging"] as const) expect(() => read(plain, environment)).toThrow(/OIDC_ISSUER_URL/);
    expect(read(plain, "local")?.provider).toMatchObject({ issuer: "http://127.0.0.1:4000", allowHttp: true });
    expect(() => read({ ...NEEDED, OIDC_REDIRECT_URI: "http://sett.example.org/cb" })).toThrow(/OIDC_REDIRECT_URI/);
  });

  it.each([
    ["OIDC_COOKIE_NAME", "a;b"],
    ["OIDC_COOKIE_SECURE", "maybe"],
    ["OIDC_SESSION_MAX_AGE_SECONDS", "7"],
    ["OIDC_SESSION_MAX_AGE_SECONDS", "99999999"],
    ["OIDC_ISSUER_URL", "https://user:secret@id.example.org"],
  ])("refuses %s=%s without showing it", (name, value) => {
    let text = "";
    try {
      read({ ...NEEDED, [name]: value });
    } catch (error) {
      text = String(error);
    }
    expect(text).toContain(name);
    expect(text).not.toContain(value);
  });
});
