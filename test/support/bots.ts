import { env } from "cloudflare:workers";
import { uniqueName, type TestUser } from "./client";

/** Bots where there is no homeserver: written straight into their table. */

const { DB } = env as unknown as { DB: D1Database };

export interface TestBot {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly matrixId: string;
}

/** An active bot of `user`. @param columns further columns of its row */
export async function insertBot(user: Pick<TestUser, "userId">, columns: Readonly<Record<string, string | number | null>> = {}): Promise<TestBot> {
  const username = uniqueName("b").slice(0, 18);
  const bot = { id: crypto.randomUUID(), name: "Rocky", username, matrixId: `@${username}_bot:sett.localhost` };
  const row: Readonly<Record<string, string | number | null>> = {
    id: bot.id,
    tenant_id: user.userId,
    username,
    matrix_id: bot.matrixId,
    name: bot.name,
    status: "active",
    matrix_state: "up",
    device_id: "BCTESTDEVICE",
    created_at: Date.now(),
    updated_at: Date.now(),
    ...columns,
  };
  const names = Object.keys(row);
  await DB.prepare(`INSERT INTO bots (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
    .bind(...Object.values(row))
    .run();
  return bot;
}
