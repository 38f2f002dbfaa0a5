import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { promotionSql } from "../../../scripts/lib/promotion.mjs";

describe("making an administrator of a deployment", () => {
  it("promotes the verified account of that address, and nobody else", () => {
    const db = new DatabaseSync(":memory:");
    db.exec(readFileSync("migrations/0002_fleet_accounts.sql", "utf8"));
    const insert = db.prepare(
      "INSERT INTO users (sub, email, email_key, username, name, matrix_id, password_hash, account_verified, trial_ends_at, created_at, updated_at) VALUES (?1, ?1, ?1, ?1, ?1, ?1, 'x', ?2, 0, 0, 0)",
    );
    insert.run("ada@example.org", 1);
    insert.run("eve@example.org", 1);
    insert.run("new@example.org", 0);
    expect(db.prepare(promotionSql(" Ada@Example.org ")).all()).toEqual([{ email_key: "ada@example.org" }]);
    expect(db.prepare(promotionSql("new@example.org")).all()).toEqual([]);
    expect(db.prepare("SELECT email_key FROM users WHERE role = 'superadmin'").all()).toEqual([{ email_key: "ada@example.org" }]);
  });

  it("takes no address that would need quoting", () => {
    for (const email of ["", "ada", "a'--@example.org", "a@b';DROP TABLE users;--", "a b@example.org", "a@exam ple.org"]) expect(() => promotionSql(email)).toThrow(/no plain e-mail/);
  });
});
