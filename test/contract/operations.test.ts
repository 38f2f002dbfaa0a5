import { beforeAll, describe, expect, it } from "vitest";
import { families } from "../../src/families";
import type { Operation } from "../../src/kernel/operation";
import { findInFamilies } from "../../src/kernel/registry";
import { casts } from "../support/casts";
import type { Cast, Spec } from "../support/casts/cast";
import { adminExceptions } from "../support/casts/fleet";
import { api, uniqueName, type ApiAnswer } from "../support/client";

/** What every operation of every family owes its callers, asked of the registry, so that a new operation is covered on the day it is added. */

interface Listed {
  readonly feature: string;
  readonly op: Spec;
}
type ErrorBody = Record<string, unknown>;

const isMutation = (op: Spec) => op.method !== "get";
const takesBody = (op: Spec) => op.body !== undefined && op.method !== "get";
const needsCredential = (op: Spec) => !op.auth.includes("none");

const fillPath = (path: string, value: (name: string) => string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name)));
/** An id of the shape that the operation's parameter has, of nothing that exists. */
function unknownId(op: Spec, name: string): string {
  const others = Object.fromEntries([...op.path.matchAll(/\{(\w+)\}/g)].map((match) => [match[1], "1"]));
  const random = String(900_000_000 + (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 99_000_000);
  return [uniqueName("nobody"), crypto.randomUUID(), `sha256:${"0".repeat(64)}`, random].find((id) => op.params?.safeParse({ ...others, [name]: id }).success) ?? random;
}
const anyPath = (op: Spec): string => fillPath(op.path, (name) => unknownId(op, name));
const headersOf = (op: Spec): Record<string, string> => (op.path.endsWith("/socket") ? { upgrade: "websocket" } : {});
const call = (op: Spec, options: { token?: string | undefined; body?: unknown; path?: string }) =>
  api<ErrorBody>(op.method.toUpperCase(), options.path ?? anyPath(op), { token: options.token, body: options.body, headers: headersOf(op) });

const everything = await Promise.all(
  families.map(async (family) => ({
    family,
    name: family.name,
    listed: (await Promise.all(family.features.map(async (feature) => (await feature.load()).operations.map((operation: Operation): Listed => ({ feature: feature.name, op: operation.spec }))))).flat(),
  })),
);
const allSpecs = everything.flatMap(({ listed }) => listed.map(({ op }) => op));

it("has every method and path once, in all families, also where parameters have other names", () => {
  const places = allSpecs.map((op) => `${op.method} ${op.path.replace(/\{\w+\}/g, "{}")}`);
  expect(new Set(places).size).toBe(places.length);
});

it("asks administrators of everything below /api/v1/admin, but for the ways in", () => {
  expect([...adminExceptions(allSpecs)].sort()).toEqual(["fleet.admin-sessions.create", "fleet.admin-sessions.refresh", "fleet.compat-runs.record"]);
});

describe.each(everything)("$name", ({ family, listed }) => {
  const { wire } = family;
  const named = (keep: (op: Spec) => boolean) => listed.filter(({ op }) => keep(op)).map(({ op }) => [op.id, op] as const);
  const turnOf = (op: Spec): number => listed.findIndex((other) => other.op === op);
  const [castFamily] = casts.filter(({ name }) => name === family.name);
  let cast: Cast;
  beforeAll(async () => {
    if (!castFamily) throw new Error(`test/support/casts has nobody for ${family.name}`);
    cast = await castFamily.make();
    // People sign up, each with a password hash.
  }, 60_000);
  const tokenFor = (op: Spec) => (needsCredential(op) ? cast.tokenFor(op, turnOf(op)) : undefined);

  function expectError(answer: ApiAnswer<ErrorBody>, status: number, code?: string): void {
    const context = JSON.stringify(answer.body).slice(0, 300);
    expect(answer.status, context).toBe(status);
    expect(answer.headers.get("content-type"), context).toContain("application/json");
    if (code !== undefined) expect(answer.body["code"], context).toBe(code);
    expect(answer.body["request_id"], context).toMatch(/^req_[0-9a-z]{20}$/);
    expect(answer.headers.get("x-request-id")).toBe(answer.body["request_id"]);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    cast.expectEnvelope(status, answer.body);
    if (status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  }
  const expectInvalid = (answer: ApiAnswer<ErrorBody>): void => {
    expectError(answer, wire.invalidStatus, cast.codes.invalid);
    expect(cast.placeOf(answer.body)).toMatch(/^body/);
  };

  describe("the registry", () => {
    it("is not empty and names every operation once, as family.feature.verb", () => {
      expect(listed.length).toBeGreaterThan(30);
      const ids = listed.map(({ op }) => op.id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) {
        expect(id.split(".")[0]).toBe(family.name);
        expect(id).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*\.[a-z]+([A-Z][a-z]+)*(-[a-z]+)*$/);
      }
    });

    it.each(listed.map(({ feature, op }) => [op.id, feature, op] as const))("routes %s to its own feature, and its schemas fit its path", (_, feature, op) => {
      expect(findInFamilies(families, anyPath(op))).toMatchObject({ family: { name: family.name }, feature: { name: feature } });
      expect(op.params !== undefined).toBe(op.path.includes("{"));
      expect(op.output !== undefined || op.produces !== undefined || op.status === 204 || op.status === 302).toBe(true);
      expect(op.auth.includes("none") && op.auth.length > 1).toBe(false);
      if (op.auth.includes("none")) expect(["credential", "public"]).toContain(op.limit);
      if (op.tokenInQuery) expect(op.query?.safeParse({ token: "x" }).success).toBe(true);
    });

    it("audits every change", () => {
      const silent = listed.filter(({ op }) => isMutation(op) && op.audit === undefined).map(({ op }) => op.id);
      expect(silent.sort()).toEqual(Object.keys(cast.withoutAudit).sort());
      for (const { op } of listed) if (op.audit !== undefined) expect(op.audit).toMatch(/^[a-z_]+\.[a-z_]+$/);
    });

    it("asks D1 whether a credential lives, unless an object vouches for it", () => {
      expect(listed.filter(({ op }) => op.live === false).map(({ op }) => op.id).sort()).toEqual([...cast.unasked].sort());
    });
  });

  describe("credentials", () => {
    it.each(named(needsCredential))("%s: none is 401, forged ones are refused", async (_, op) => {
      expectError(await call(op, {}), 401, cast.codes.unauthenticated);
      for (const token of cast.forged) expectError(await call(op, { token }), wire.badCredentialStatus, cast.codes.badCredential);
      if (op.tokenInQuery) expectError(await call(op, { path: `${anyPath(op)}?token=${cast.forged[0]}` }), wire.badCredentialStatus, cast.codes.badCredential);
    });

    it.each(named(needsCredential))("%s: credentials of other kinds are 403", async (_, op) => {
      for (const { token } of cast.others(op)) expectError(await call(op, { token }), 403, cast.codes.forbidden);
    });

    it.each(named((op) => needsCredential(op) && !op.tokenInQuery))("%s: a token in the query is none", async (_, op) => {
      expectError(await call(op, { path: `${anyPath(op)}?token=${encodeURIComponent(cast.anybody)}` }), 401, cast.codes.unauthenticated);
    });
  });

  describe("bodies", () => {
    it.each(named((op) => takesBody(op) && op.admit !== undefined))("%s: what admits is asked before the body is read", async (_, op) => {
      const codes = new Set<unknown>();
      for (const body of [undefined, "{not json", [], "x".repeat(3 * 1024 * 1024)]) {
        const refused = await call(op, body === undefined ? {} : { body });
        expect([401, 503], JSON.stringify(refused.body)).toContain(refused.status);
        codes.add(refused.body["code"]);
      }
      expect(codes.size).toBe(1);
    });

    it.each(named((op) => takesBody(op) && op.admit === undefined))("%s: malformed JSON, a list, too much, and nothing", async (_, op) => {
      const token = tokenFor(op);
      for (const body of ["{not json", '{"a":1', "\u0000"]) {
        const malformed = await call(op, { token, body });
        expectInvalid(malformed);
        expect(cast.placeOf(malformed.body)).toMatch(/^body\.\d+/);
      }
      for (const body of [[], "7", '"text"', "true"]) expectInvalid(await call(op, { token, body }));
      const nothing = await call(op, { token });
      if (op.bodyOptional) expect([200, 201, 204, 400, 404, 503], JSON.stringify(nothing.body)).toContain(nothing.status);
      else expectInvalid(nothing);
    });

    it.each(named((op) => takesBody(op) && op.admit === undefined))("%s: ten megabytes are 413", async (_, op) => {
      expectError(await call(op, { token: tokenFor(op), body: `{"a":"${"x".repeat(10 * 1024 * 1024)}"}` }), 413, cast.codes.tooLarge);
    });

    it.each(named((op) => takesBody(op) && needsCredential(op)))("%s: credentials are asked before the body is read", async (_, op) => {
      expectError(await call(op, { body: "{not json" }), 401, cast.codes.unauthenticated);
    });
  });

  describe("what belongs to somebody else", () => {
    it.each(named((op) => needsCredential(op) && op.path.includes("{")))("%s: another's id and an unknown one are the same 404", async (_, op) => {
      if (!cast.asksOwner(op)) return;
      const nobody = Object.fromEntries([...op.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => [name, cast.unknownId(name) ?? unknownId(op, name)]));
      const unknown = (name: string) => nobody[name] ?? "";
      const foreign = (name: string) => {
        const id = cast.ownedId(op, name);
        if (id === undefined) throw new Error(`give the test an id for {${name}}`);
        return id;
      };
      const body = cast.bodyOf(op);
      for (const token of cast.strangers(op)) {
        const theirs = await call(op, { token, body, path: fillPath(op.path, foreign) });
        const nobodys = await call(op, { token, body, path: fillPath(op.path, unknown) });
        expectError(theirs, 404, cast.codes.notFound(op));
        expectError(nobodys, 404, cast.codes.notFound(op));
        // A name that the caller gave may be told back.
        const told = (answer: ApiAnswer<ErrorBody>, ids: (name: string) => string) => [...op.path.matchAll(/\{(\w+)\}/g)].reduce((text, match) => text.replaceAll(ids(match[1] ?? ""), "…"), JSON.stringify([answer.body["error"], answer.body["detail"]]));
        expect(told(theirs, foreign)).toBe(told(nobodys, (name) => nobody[name] ?? ""));
      }
    });

    it("has path parameters without an owner only where that is meant", () => {
      const open = listed.filter(({ op }) => !needsCredential(op)).flatMap(({ op }) => [...op.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      expect([...new Set(open)].sort()).toEqual(Object.keys(cast.openParameters).sort());
    });

    it("stays as it was after all those tries", () => cast.check());
  });

  describe("places that are none", () => {
    it.each([...new Set(family.features.flatMap((feature) => feature.prefixes.filter((prefix) => prefix !== "/").map((prefix) => `${prefix}/no/such/place`)))])("GET %s is 404", async (path) => {
      expectError(await api<ErrorBody>("GET", path, { token: cast.anybody }), 404, cast.codes.notFound(null));
    });

    it.each(listed.map(({ op }) => [op.id, op] as const))("%s: methods that nobody declared are refused", async (_, op) => {
      // Also by others whose parameter the last word of this path could be.
      const declared = new Set(allSpecs.filter((other) => new RegExp(`^${other.path.replace(/\{\w+\}/g, "[^/]+")}$`).test(op.path)).map((other) => other.method));
      for (const method of ["put", "patch", "delete", "post"] as const) {
        if (declared.has(method)) continue;
        const answer = await api<ErrorBody>(method.toUpperCase(), anyPath(op), { token: cast.anybody });
        expect([404, 405], `${method} ${op.path}`).toContain(answer.status);
        expectError(answer, answer.status);
      }
    });
  });
});

describe("places that are nobody's", () => {
  it.each(["/nowhere", "/api/v2/user/profile", "/api/v1", "/api/v1/user/profiles"])("GET %s is 404", async (path) => {
    const { status, body } = await api<ErrorBody>("GET", path);
    expect([status, body["code"]]).toEqual([404, "not_found"]);
  });

  it("let browsers of any origin ask first", async () => {
    const preflight = await api("OPTIONS", "/api/v1/user/profile", { headers: { origin: "https://console.example", "access-control-request-method": "GET", "access-control-request-headers": "authorization" } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
  });
});
