import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seedAdmin } from "../../../scripts/lib/admin.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const EMAIL = "ada@example.org";
const pepper = randomBytes(32);

let stateDir: string;
let sqlite: DatabaseSync;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "sett-admin-"));
  sqlite = new DatabaseSync(":memory:");
  for (const name of readdirSync(inRoot("migrations")).toSorted()) sqlite.exec(readFileSync(inRoot(`migrations/${name}`), "utf8"));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

/** As much of D1 as the start needs. */
function database() {
  const prepare = (text: string, values: readonly SQLInputValue[] = []) => {
    const statement = sqlite.prepare(text);
    return { bind: (...bound: SQLInputValue[]) => prepare(text, bound), first: async () => statement.get(...values) ?? null, run: async () => statement.run(...values) };
  };
  return { prepare, batch: async (statements: readonly { run(): Promise<unknown> }[]) => Promise.all(statements.map((one) => one.run())) };
}

const start = (password?: string) =>
  seedAdmin({ db: database() as unknown as Parameters<typeof seedAdmin>[0]["db"], stateDir, env: { SETT_ADMIN_EMAIL: EMAIL, ...(password === undefined ? {} : { SETT_ADMIN_PASSWORD: password }) }, pepper, matrixServerName: "x", trialDays: 7 });
const standing = () => sqlite.prepare("SELECT role, status FROM users WHERE email_key = ?").get(EMAIL);
const change = (text: string) => sqlite.exec(text);

describe("the administrator of a local server", () => {
  it("stays dismissed when the server starts again, while somebody else can do everything", async () => {
    expect(await start("sesame sesame")).toMatchObject({ outcome: "created" });
    change("INSERT INTO users (sub, email, email_key, username, name, matrix_id, password_hash, role, account_verified, trial_ends_at, created_at, updated_at) VALUES ('b', 'b@x', 'b@x', 'bob', 'Bob', '@bob:x', 'x', 'superadmin', 1, 0, 0, 0)");
    change(`UPDATE users SET role = 'user', status = 'deactivated' WHERE email_key = '${EMAIL}'`);
    for (const password of ["sesame sesame", undefined]) expect(await start(password)).toMatchObject({ outcome: "unchanged" });
    expect(standing()).toMatchObject({ role: "user", status: "deactivated" });
    // Another password is a wish to be let in again.
    expect(await start("open sesame")).toMatchObject({ outcome: "updated" });
    expect(standing()).toMatchObject({ role: "superadmin", status: "active" });
  });

  it("is there again when nobody else can sign in", async () => {
    await start("sesame sesame");
    for (const harm of ["role = 'user'", "status = 'deactivated'", "account_verified = 0"]) {
      change(`UPDATE users SET ${harm} WHERE email_key = '${EMAIL}'`);
      expect(await start("sesame sesame"), harm).toMatchObject({ outcome: "updated" });
      expect(standing()).toMatchObject({ role: "superadmin", status: "active" });
    }
    expect(await start("sesame sesame")).toMatchObject({ outcome: "unchanged" });
  }, 20_000);
});
