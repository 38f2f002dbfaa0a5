import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import { afterPrefix, readActionPrefix } from "../../../src/fleet/ops-audit/audit.core";
import { readBuried, shownPayload } from "../../../src/fleet/ops-dead-letters/dead-letters.core";
import { afterPass, nextPlace, whyTokenKeyStays, type Place } from "../../../src/fleet/ops-keys/keys.core";
import { families } from "../../../src/families";
import { latenessOf } from "../../../src/fleet/ops-runs/runs.core";
import { pageOf, readCursor, writeCursor } from "../../../src/kernel/db/cursor";
import { kernelSealedColumns } from "../../../src/kernel/db/sealed-column";
import { bucketOf, isOpenFor } from "../../../src/kernel/gates/gates";
import { redactDeep } from "../../../src/kernel/logging/redact-deep";

const sealedColumns = [...kernelSealedColumns, ...(await Promise.all(families.map((family) => family.sealedColumns()))).flat()];
const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url).href);

describe("sealed columns", () => {
  /** What is sealed without its column's name saying so. */
  const NAMED_OTHERWISE = ["outbox.payload"];

  /** Every place that seals, with the columns that it fills. A new one must be told to key rotation, and then named here. */
  const SEALERS: Readonly<Record<string, readonly string[]>> = {
    "src/kernel/idempotency.ts": ["idempotency_keys.sealed_body"],
    "src/kernel/outbox/effects.ts": ["outbox.payload"],
    "src/fleet/apple-notifications/receive-notification.ts": ["webhook_events.sealed_payload"],
    "src/fleet/bots/credentials.ts": ["bots.sealed_token"],
    "src/fleet/cli-logins/complete-cli-login.ts": ["cli_logins.sealed_token"],
    "src/fleet/cloud-vms/create-cloud-vm.ts": ["cloud_vms.sealed_llm_key"],
    "src/fleet/vm-provisioning/vm-secrets.ts": ["cloud_vms.sealed_token"],
    // Probes, kept nowhere.
    "src/fleet/debug/debug.queries.ts": [],
    "src/fleet/health/health.queries.ts": [],
    "src/fleet/hermes/bootstrap-hermes-bot.ts": ["bots.sealed_recovery_key"],
    "src/fleet/ops-keys/reseal.jobs.ts": [],
    "src/fleet/pairings/pair-code.ts": ["pairings.sealed_code"],
    "src/fleet/recovery-keys/store-recovery-key.ts": ["recovery_keys.sealed_key"],
    "src/fleet/webhooks/receive-webhook.ts": ["webhook_events.sealed_payload"],
    // A cookie of minutes: the browser keeps it, we do not.
    "src/governance/auth/sign-in.ts": [],
    // In an address that one answer tells its reader.
    "src/governance/mcp-broker/broker-call.ts": [],
    "src/governance/platform-dns/set-issuer.ts": ["governance_dns_issuers.sealed_solver"],
    "src/governance/provider-keys/set-provider-key.ts": ["governance_provider_keys.sealed_key"],
    "src/governance/secrets/put-secret.ts": ["governance_secrets.sealed_value"],
  };

  it("are those of the schema, all of them", async () => {
    const names: string[] = [];
    for (const file of readdirSync(root("src/schema"))) {
      const tables = Object.values((await import(root(`src/schema/${file}`))) as Record<string, unknown>).filter((one): one is SQLiteTable => is(one, SQLiteTable));
      names.push(...tables.flatMap((table) => Object.values(getTableColumns(table)).map((column) => `${getTableName(table)}.${column.name}`)));
    }
    const sealed = names.filter((name) => /\.(sealed|encrypted|cipher)/.test(name) || NAMED_OTHERWISE.includes(name));
    expect(sealed.length).toBeGreaterThan(5);
    expect(sealedColumns.map(({ name }) => name).toSorted()).toEqual(sealed.toSorted());
  });

  it("are all that anybody seals into", () => {
    const files = readdirSync(root("src"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts")).map((path) => `src/${path.replaceAll("\\", "/")}`);
    const sealers = files.filter((path) => path !== "src/kernel/crypto/envelope.ts" && /(?<![\w.])seal\(/.test(readFileSync(root(path), "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "")));
    expect(sealers.toSorted()).toEqual(Object.keys(SEALERS).toSorted());
    expect([...new Set(Object.values(SEALERS).flat())].toSorted()).toEqual(sealedColumns.map(({ name }) => name).toSorted());
  });
});

describe("a walk through sealed columns", () => {
  it("sees every portion of every column once, whatever their sizes", () => {
    const columns = ["a", "b", "c", "d"];
    for (const sizes of [[0, 0, 0, 0], [5, 0, 7, 1], [2, 4, 6, 8], [0, 3, 0, 0]]) {
      const seen: string[] = [];
      let place: Place | null = { columnName: null, afterRowid: 0 };
      for (let steps = 0; place !== null; steps++) {
        expect(steps).toBeLessThan(50);
        const at: string = place.columnName ?? "a";
        const size = sizes[columns.indexOf(at)] ?? 0;
        const after = place.afterRowid;
        const rows = [1, 2].map((n) => after + n).filter((rowid) => rowid <= size);
        seen.push(...rows.map((rowid) => `${at}${rowid}`));
        place = nextPlace(columns, { columnName: at, afterRowid: after }, rows.at(-1) ?? null, rows.length === 2);
      }
      expect(seen).toEqual(columns.flatMap((name, index) => Array.from({ length: sizes[index] ?? 0 }, (_, n) => `${name}${n + 1}`)));
    }
  });

  it("begins anew at a column that is there no more", () => {
    expect(nextPlace(["a", "b"], { columnName: "gone", afterRowid: 9 }, 12, true)).toEqual({ columnName: "a", afterRowid: 0 });
  });

  it("ends when nothing is left, or when walking does not help", () => {
    expect(afterPass(1, 0, 0)).toBe("completed");
    expect(afterPass(1, 3, 3)).toBe("incomplete");
    expect(afterPass(1, 3, 2)).toBe("again");
    expect(afterPass(5, 3, 2)).toBe("incomplete");
  });
});

describe("cursors", () => {
  it("come back as they were, and foreign ones are refused", () => {
    for (const cursor of [{ at: 0, id: "" }, { at: 1_795_000_000_000, id: "é:/?" }]) expect(readCursor(writeCursor(cursor))).toEqual(cursor);
    for (const text of ["", "x", "WzFd", btoa("[1.5,\"a\"]"), btoa("{}"), btoa("[1,2]"), "💥"]) expect(() => readCursor(text)).toThrow(expect.objectContaining({ code: "VALIDATION_ERROR" }));
  });

  it("stand only where a page is not the last", () => {
    const rows = [3, 2, 1];
    const page = pageOf(rows, 2, (at) => ({ at, id: "x" }));
    expect(page.page).toEqual([3, 2]);
    expect(readCursor(page.nextCursor ?? "")).toEqual({ at: 2, id: "x" });
    expect(pageOf(rows, 3, (at) => ({ at, id: "x" })).nextCursor).toBeNull();
    expect(pageOf([], 3, () => ({ at: 0, id: "" })).nextCursor).toBeNull();
  });
});

describe("gates", () => {
  const gate = { enabled: true, percentage: 30, allowedAccounts: [7] };

  it("are open without a row, shut when off, and let named accounts through either way", () => {
    expect(isOpenFor(null, "a.b", 1)).toBe(true);
    expect(isOpenFor({ ...gate, percentage: 100 }, "a.b", 1)).toBe(true);
    for (const shut of [{ ...gate, percentage: 0 }, { ...gate, enabled: false, percentage: 100 }]) {
      expect(isOpenFor(shut, "a.b", 1)).toBe(false);
      expect(isOpenFor(shut, "a.b", "7")).toBe(false);
      expect(isOpenFor(shut, "a.b", 7)).toBe(true);
    }
  });

  it("let about their share in, the same people always and more of them with a greater share", () => {
    const people = Array.from({ length: 20_000 }, (_, n) => n + 1);
    for (const percentage of [1, 10, 50, 90]) {
      const inside = people.filter((id) => isOpenFor({ ...gate, percentage }, "a.b", id));
      expect(Math.abs(inside.length / people.length - percentage / 100)).toBeLessThan(0.015);
      expect(inside.every((id) => isOpenFor({ ...gate, percentage: percentage + 5 }, "a.b", id))).toBe(true);
    }
    // Another gate picks others.
    const both = people.filter((id) => bucketOf("a.b", id) < 50 && bucketOf("c.d", id) < 50);
    expect(Math.abs(both.length / people.length - 0.25)).toBeLessThan(0.02);
  });
});

describe("what operators may see", () => {
  it("holds no secrets, by name or by form", () => {
    const jwt = `eyJhbGciOiJFUzI1NiJ9.${"a".repeat(20)}.${"b".repeat(20)}`;
    const secrets = { token: "abc", accessToken: "abc", refresh_token: "abc", password: "abc", recovery_key: "abc", code: "123456", pairCode: "x", sealedCode: "x", apiKey: "x", Authorization: "x", cookies: ["x"], nested: { client_secret: { a: "abc" } } };
    expect(JSON.stringify(redactDeep(secrets))).not.toMatch(/abc|123456|"x"/);
    const texts = [jwt, `failed with ${jwt} here`, "sett_cli_AAAA.t1.BBBB", "ocp_0123456789abcdef", "syt_Ym90_abcdefgh_1", "v1.s1.AAAAAAAAAAAAAAAA.QUJDREVG", "sk_live_abcdefgh1234", "whsec_abcdefgh1234", "Bearer abcdef", "BCK-ABCD-EF23", "sk-ant-abcdefghijklm"];
    for (const text of texts) expect(redactDeep({ note: [text] }), text).toEqual({ note: [expect.stringContaining("[redacted]")] });
    for (const text of texts) expect(JSON.stringify(redactDeep(text)), text).not.toContain(text);
  });

  it("keeps what is none", () => {
    const plain = { token_id: "t", tokenId: "t", token_prefix: "sett_cl", tokens_used: 3, token: null, userId: 5, botId: "b", state: { phase: "live", hasPassword: true }, list: [1, "two", null] };
    expect(redactDeep(plain)).toEqual(plain);
  });

  it("is bounded", () => {
    expect(redactDeep("x".repeat(5_000))).toMatch(/^x{2000}… \(5000 characters\)$/);
    let deep: unknown = "end";
    for (let level = 0; level < 50; level++) deep = { deep };
    expect(JSON.stringify(redactDeep(deep)).length).toBeLessThan(200);
  });
});

describe("buried messages", () => {
  it("are jobs or they are not", () => {
    expect(readBuried('{"v":1,"id":"a","type":"bot.settle","payload":"b1"}')).toEqual({ type: "bot.settle", payload: "b1", isJob: true });
    expect(readBuried('{"v":1,"id":"a","type":"t"}')).toEqual({ type: "t", payload: null, isJob: true });
    for (const text of ["null", '"text"', "{}", '{"v":2,"id":"a","type":"t"}', "not json"]) expect(readBuried(text)).toMatchObject({ type: "unknown", isJob: false });
    expect(shownPayload('{"v":1,"id":"a","type":"t","payload":{"userId":1,"password":"hunter22"}}')).toEqual({ userId: 1, password: "[redacted]" });
  });
});

describe("searches of the audit", () => {
  it("read a noun and the beginning of a verb", () => {
    expect([readActionPrefix("account"), readActionPrefix("account."), readActionPrefix("account.cr")]).toEqual([{ noun: "account", verb: "" }, { noun: "account", verb: "" }, { noun: "account", verb: "cr" }]);
  });

  it("bound a prefix from above", () => {
    expect(afterPrefix("")).toBeNull();
    for (const prefix of ["account.cr", "a", "z_"]) {
      const bound = afterPrefix(prefix) ?? "";
      for (const rest of ["", "a", "zzzz", "_", "~"]) expect(`${prefix}${rest}` < bound).toBe(true);
      expect(bound > prefix).toBe(true);
    }
  });
});

describe("lateness", () => {
  it("is told by the middle, the late ones and the latest", () => {
    expect(latenessOf([])).toBeNull();
    expect(latenessOf([7])).toEqual({ p50: 7, p95: 7, max: 7 });
    expect(latenessOf(Array.from({ length: 100 }, (_, n) => 100 - n))).toEqual({ p50: 50, p95: 95, max: 100 });
  });
});

describe("an old token key", () => {
  const day = 86_400_000;
  const now = 100 * day;
  const free = { tokens: 0, unknown: 0, computers: 0, isProviderSilent: false, idleSince: now - 9 * day };

  it("may go when no token, computer or address can need it", () => {
    expect(whyTokenKeyStays(free, now)).toBeNull();
    expect(whyTokenKeyStays({ ...free, tokens: 1 }, now)).toMatch(/CLI tokens live/);
    expect(whyTokenKeyStays({ ...free, unknown: 1 }, now)).toMatch(/not known which key/);
    expect(whyTokenKeyStays({ ...free, computers: 1 }, now)).toMatch(/Cloud computers/);
    expect(whyTokenKeyStays({ ...free, isProviderSilent: true }, now)).toMatch(/provider/);
    for (const idleSince of [null, now, now - 7 * day]) expect(whyTokenKeyStays({ ...free, idleSince }, now)).not.toBeNull();
  });
});
