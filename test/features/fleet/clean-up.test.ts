import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { expectStatus, logIn, signUpUnverified, signUpUser } from "../../support/client";

const bindings = env as unknown as Env;
const DAY_MS = 86_400_000;

const count = (table: string, where: string, ...values: unknown[]): Promise<number | null> => bindings.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).bind(...values).first<number>("n");

describe("the hourly clean-up", () => {
  it("drops what ended long ago and keeps what still tells something", async () => {
    const user = await signUpUser();
    const old = await logIn(user);
    const recent = await logIn(user);
    for (const phone of [old, recent]) await expectStatus(200, "DELETE", `/api/v1/user/sessions/${phone.sessionId}`, { token: user.accessToken });
    await bindings.DB.prepare("UPDATE sessions SET revoked_at = ? WHERE id = ?").bind(Date.now() - 91 * DAY_MS, old.sessionId).run();
    const waiting = await signUpUnverified();
    const late = await signUpUnverified();
    await bindings.DB.prepare("UPDATE one_time_codes SET expires_at = ? WHERE tenant_id = (SELECT id FROM users WHERE email_key = ?)").bind(Date.now() - 2 * DAY_MS, late.email).run();
    await bindings.DB.prepare("UPDATE mailbox SET sent_at = ? WHERE recipient = ?").bind(Date.now() - 8 * DAY_MS, late.email).run();

    await handleScheduled(createScheduledController({ cron: "17 * * * *", scheduledTime: new Date() }), bindings, { waitUntil: () => undefined });

    expect(await count("sessions", "id = ?", old.sessionId)).toBe(0);
    expect(await count("sessions", "id IN (?, ?)", recent.sessionId, user.sessionId)).toBe(2);
    const codesOf = (email: string) => count("one_time_codes", "tenant_id = (SELECT id FROM users WHERE email_key = ?)", email);
    expect([await codesOf(late.email), await codesOf(waiting.email)]).toEqual([0, 1]);
    expect([await count("mailbox", "recipient = ?", late.email), await count("mailbox", "recipient = ?", waiting.email)]).toEqual([0, 1]);
  });
});
