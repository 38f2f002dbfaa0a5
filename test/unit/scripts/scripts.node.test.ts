import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findEagerImports } from "../../../scripts/checks/bundle.mjs";
import { completeLock, findMissing, platformOf } from "../../../scripts/checks/lockfile.mjs";
import { hashPassword, verifyPassword } from "../../../scripts/lib/argon2.mjs";
import { holdsAll, isAtLeast } from "../../../scripts/lib/bootstrap.mjs";
import { hashInputs, listInputs } from "../../../scripts/lib/content-hash.mjs";
import { addCounts, countSmoke, countVitest, noCounts, oneFailure, summaryLine } from "../../../scripts/lib/counts.mjs";
import { matchesCron, parseCron } from "../../../scripts/lib/cron.mjs";
import { formatDevVars, parseDevVars } from "../../../scripts/lib/dev-vars.mjs";
import { findNumberingFaults } from "../../../scripts/lib/migrations.mjs";
import { environmentNames, generateSecrets, pickEnvironment } from "../../../scripts/lib/secrets.mjs";
import { splitStatements } from "../../../scripts/lib/sql.mjs";
import { setDatabaseId, ZERO_ID } from "../../../scripts/lib/wrangler-toml.mjs";
import { scriptedPassword } from "../../support/scripted-password";
import { testSecrets } from "../../support/secrets";

describe("splitting migrations", () => {
  it("ignores semicolons in strings, names and comments", () => {
    const script = "-- one; two\nCREATE TABLE a (b text DEFAULT 'x;''y'); /* ; */ INSERT INTO \"a;b\" VALUES (1);\nDELETE FROM `c;d`";
    expect(splitStatements(script)).toEqual(["-- one; two\nCREATE TABLE a (b text DEFAULT 'x;''y')", '/* ; */ INSERT INTO "a;b" VALUES (1)', "DELETE FROM `c;d`"]);
  });

  it("keeps a trigger whole, with CASE inside", () => {
    const trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 ELSE 3 END; DELETE FROM c; END";
    expect(splitStatements(`${trigger};\nSELECT 1;`)).toEqual([trigger, "SELECT 1"]);
  });

  it("splits after a CASE outside of triggers and drops what is only a comment", () => {
    expect(splitStatements("SELECT CASE WHEN 1 THEN 2 END; SELECT 2; -- the end\n")).toEqual(["SELECT CASE WHEN 1 THEN 2 END", "SELECT 2"]);
  });
});

describe("cron", () => {
  const at = (text: string): Date => new Date(text);
  it.each([
    ["* * * * *", "2026-11-21T10:11:00Z", true],
    ["17 * * * *", "2026-11-21T10:17:00Z", true],
    ["17 * * * *", "2026-11-21T10:18:00Z", false],
    ["*/15 2-4 * * *", "2026-11-21T03:45:00Z", true],
    ["5/20 * * * *", "2026-11-21T03:25:00Z", true],
    ["0 0 1 JAN *", "2027-01-01T00:00:00Z", true],
    // The platform counts Sunday as 1; 2026-11-21 is a Saturday.
    ["0 9 * * 7", "2026-11-21T09:00:00Z", true],
    ["0 9 * * SUN", "2026-11-22T09:00:00Z", true],
    ["0 9 * * MON-FRI", "2026-11-21T09:00:00Z", false],
    ["0 0 1 * SAT", "2026-11-21T00:00:00Z", true],
  ])("%s at %s is %s", (expression, time, fires) => {
    expect(matchesCron(parseCron(expression), at(time))).toBe(fires);
  });

  it.each(["* * * *", "60 * * * *", "a * * * *", "*/0 * * * *", "0 0 * * 0"])("refuses %s", (expression) => {
    expect(() => parseCron(expression)).toThrow(/cron/);
  });
});

describe(".dev.vars", () => {
  it("reads back what it wrote, JSON included", () => {
    const secrets = generateSecrets();
    expect(parseDevVars(formatDevVars(secrets))).toEqual(secrets);
  });

  it("understands comments, quotes and export", () => {
    expect(parseDevVars('# no\nA=1 # yes\nexport B="two words"\n C = \'x#y\'\nbroken\nD=\n')).toEqual({ A: "1", B: "two words", C: "x#y", D: "" });
  });

  it("refuses what the format cannot hold", () => {
    expect(() => formatDevVars({ A: "it's" })).toThrow(/A/);
  });
});

describe("the environment", () => {
  it("takes only names that src/env.ts declares or a family's config module reads", () => {
    expect(environmentNames()).toEqual(expect.arrayContaining(["SIGNING_KEYS", "TOKEN_KEYS", "SEAL_KEYS", "PASSWORD_PEPPER", "RATE_LIMITS", "PUBLIC_URL", "OPENCRANE_API_TOKEN", "OIDC_ISSUER_URL"]));
    expect(pickEnvironment({ RATE_LIMITS: "off", HOME: "/root" })).toEqual({ RATE_LIMITS: "off" });
  });

  it("compares versions of Node", () => {
    expect(isAtLeast("22.12.0", [22, 12])).toBe(true);
    expect(isAtLeast("22.9.1", [22, 12])).toBe(false);
    expect(isAtLeast("24.0.0", [22, 12])).toBe(true);
  });
});

describe("installed packages", () => {
  it("agree with the lock except for other platforms' packages", () => {
    const wanted = { "": {}, cli: { version: "1" }, "node_modules/a": { version: "1.0.0" }, "node_modules/b-darwin": { version: "1.0.0", optional: true } };
    expect(holdsAll(wanted, { "node_modules/a": { version: "1.0.0" } })).toBe(true);
    expect(holdsAll(wanted, { "node_modules/a": { version: "1.0.1" } })).toBe(false);
  });

  it("completes a lock with the packages of every platform", () => {
    const lock = { packages: { "": {}, "node_modules/x": { version: "1.0.0", dev: true, optionalDependencies: { "@x/linux-x64-musl": "1.0.0", "@x/darwin-arm64": "1.0.0", helper: "^2.0.0" } }, "node_modules/x/node_modules/@x/darwin-arm64": { version: "1.0.0" } } };
    expect(findMissing(lock).map(({ name }) => name)).toEqual(["@x/linux-x64-musl", "helper"]);
    expect(completeLock(lock).packages["node_modules/@x/linux-x64-musl"]).toEqual({ version: "1.0.0", os: ["linux"], cpu: ["x64"], libc: ["musl"], dev: true, optional: true });
    expect(platformOf("@cloudflare/workerd-windows-64")).toEqual({ os: ["win32"], cpu: ["x64"] });
  });
});

describe("content hashes", () => {
  it("follow content and names, not times or build output", () => {
    const root = mkdtempSync(join(tmpdir(), "sett-hash-"));
    mkdirSync(join(root, "src/dist"), { recursive: true });
    writeFileSync(join(root, "src/a.ts"), "1");
    const first = hashInputs(root, ["src"]);
    writeFileSync(join(root, "src/dist/out.js"), "x");
    writeFileSync(join(root, "src/a.ts"), "1");
    expect(hashInputs(root, ["src", "missing"])).toBe(first);
    expect(listInputs(root, ["src"])).toEqual(["src/a.ts"]);
    writeFileSync(join(root, "src/a.ts"), "2");
    expect(hashInputs(root, ["src"])).not.toBe(first);
    rmSync(root, { recursive: true });
  });
});

describe("counting results", () => {
  const file = (over: object): object => ({ name: "/r/test/a.test.ts", status: "passed", message: "", assertionResults: [], ...over });

  it("counts vitest's report, and a file that does not load as a failure", () => {
    const report = {
      testResults: [
        file({ assertionResults: [{ status: "passed", fullName: "p" }, { status: "pending", fullName: "s" }] }),
        file({ status: "failed", assertionResults: [{ status: "failed", fullName: "f", failureMessages: ["boom"] }] }),
        file({ name: "/r/test/b.test.ts", status: "failed", message: "cannot load" }),
      ],
    };
    const counts = countVitest(report, "/r");
    expect(counts).toMatchObject({ passed: 1, failed: 2, skipped: 1 });
    expect(counts.failures[1]).toContain("test/b.test.ts did not run");
  });

  it("counts a journey's lines and does not trust silence", () => {
    expect(countSmoke("a", "ok one\nskip two no browser\n", 0)).toMatchObject({ passed: 1, failed: 0, skipped: 1 });
    expect(countSmoke("a", "ok one\nnot ok two\n", 1)).toMatchObject({ passed: 1, failed: 1 });
    expect(countSmoke("a", "ok one\n", 1)).toMatchObject({ passed: 1, failed: 1 });
    expect(countSmoke("a", "", 0)).toMatchObject({ passed: 0, failed: 1 });
  });

  it("ends in one line for machines", () => {
    expect(summaryLine({ ...noCounts(), passed: 3 })).toBe("3 passed, 0 failed");
    expect(summaryLine(addCounts({ ...noCounts(), passed: 3, skipped: 2 }, oneFailure("x")))).toBe("3 passed, 1 failed, 2 skipped");
  });
});

describe("wrangler.toml", () => {
  const toml = `[[env.staging.d1_databases]]\nbinding = "DB"\ndatabase_name = "sett-staging"\ndatabase_id = "${ZERO_ID}"\n\n[[env.production.d1_databases]]\nbinding = "DB"\ndatabase_name = "sett-production"\ndatabase_id = "${ZERO_ID}"\n`;

  it("gets the id of one environment's database and keeps the rest", () => {
    const next = setDatabaseId(toml, "production", "sett-production", "abc");
    expect(next).toContain(`database_name = "sett-production"\ndatabase_id = "abc"`);
    expect(next).toContain(`database_name = "sett-staging"\ndatabase_id = "${ZERO_ID}"`);
    expect(() => setDatabaseId(toml, "staging", "other", "abc")).toThrow(/no database/);
  });
});

describe("numbers of migrations", () => {
  it("must be four digits without repeat or gap", () => {
    expect(findNumberingFaults(["0001_kernel_foundation.sql", "0002_fleet_accounts.sql"])).toEqual([]);
    expect(findNumberingFaults(["0001_a_b.sql", "0001_c_d.sql", "3_x.sql"])).toHaveLength(2);
  });
});

describe("what the heartbeat loads", () => {
  it("is followed by static imports only", () => {
    const to = (path: string, kind = "import-statement") => ({ imports: [{ path, kind }] });
    expect(findEagerImports({ a: to("b"), b: to("node_modules/zod/index.js", "dynamic-import") }, "a")).toEqual([]);
    expect(findEagerImports({ a: to("b"), b: to("node_modules/zod/index.js") }, "a")[0]).toContain("a → b → node_modules/zod/index.js");
  });
});

describe("the administrator's password", () => {
  const pepper = Buffer.from(testSecrets.PASSWORD_PEPPER, "base64url");

  it("is hashed here as the worker hashes it", async () => {
    const { password, salt, phc } = scriptedPassword;
    expect(await hashPassword(password, pepper, Buffer.from(salt))).toBe(phc);
    expect(await verifyPassword(password, phc, pepper)).toBe(true);
    expect(await verifyPassword("another", phc, pepper)).toBe(false);
  });
});
