import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { feedOf, objectOf } from "../machines";
import { orgo } from "./provider";
import { bindings, logged } from "./time";
import type { VmRow, World } from "./world";

/** What must be true when everything has come to rest. */

const count = async (sql: string, ...values: unknown[]): Promise<number> => (await bindings.DB.prepare(sql).bind(...values).first<{ n: number }>())?.n ?? -1;

/** Of every row: it is at rest, and has one computer that is as the row says. Of every computer: a row has it. */
export async function expectSound(world: World, note: string): Promise<readonly VmRow[]> {
  const { rows, scene } = await world.look();
  const { alive, daemons } = scene;
  const dump = `${note}\nrows: ${JSON.stringify(rows)}\nalive: ${JSON.stringify(alive)}`;
  expect(world.complaints, dump).toEqual([]);
  for (const row of rows) {
    expect(["online", "failed"], dump).toContain(row.status);
    const own = alive.filter(({ name }) => name === row.tag);
    expect(own.length, dump).toBeLessThanOrEqual(1);
    if (row.status !== "online") continue;
    expect(own.map(({ id }) => id), dump).toEqual([row.computer_id]);
    expect(daemons.find(({ id }) => id === row.computer_id)?.setup?.["instance_id"], dump).toBe(row.instance_id);
  }
  const ours = alive.filter(({ name }) => name.startsWith("sett-"));
  expect(ours.filter(({ name }) => !rows.some(({ tag }) => tag === name)), dump).toEqual([]);
  return rows;
}

/** Exactly one machine, online, with one computer. */
export async function expectOne(world: World, note: string): Promise<VmRow> {
  const rows = await expectSound(world, note);
  expect(rows.map(({ status, last_error }) => [status, last_error]), `${note}: ${JSON.stringify(rows)}`).toEqual([["online", null]]);
  const [row] = rows;
  if (!row) throw new Error("unreachable");
  expect(await count("SELECT count(*) AS n FROM cli_tokens WHERE revoked_at IS NULL AND bound_instance_id = ?", row.instance_id), note).toBe(1);
  expect(await bindings.DB.prepare("SELECT instance_id, orgo_computer_id, cloud_vm_id FROM instances").all().then(({ results }) => results), note).toEqual([{ instance_id: row.instance_id, orgo_computer_id: row.computer_id, cloud_vm_id: row.id }]);
  return row;
}

/** Nothing at the provider, and nothing left here. */
export async function expectNone(world: World, note: string): Promise<void> {
  await expectSound(world, note);
  expect(await orgo.alive(), note).toEqual([]);
  const left = await bindings.DB.batch([
    bindings.DB.prepare("SELECT id, status, tag FROM cloud_vms"),
    bindings.DB.prepare("SELECT instance_id FROM instances"),
    bindings.DB.prepare("SELECT name FROM cli_tokens WHERE revoked_at IS NULL"),
    bindings.DB.prepare("SELECT id FROM pairings WHERE status IN ('pending', 'claimed')"),
    bindings.DB.prepare("SELECT type, last_error FROM outbox"),
  ]);
  expect(left.map(({ results }) => results), note).toEqual([[], [], [], [], []]);
}

/** No secret is anywhere but sealed: not in a table, an object, a log line or an answer. @param instanceIds machines whose objects are searched */
export async function expectNoSecrets(world: World, instanceIds: readonly string[]): Promise<void> {
  const secrets = [...world.daemons.secrets];
  expect(secrets.length).toBeGreaterThan(0);
  const find = (where: string, text: string): void => {
    for (const secret of secrets) if (text.includes(secret)) throw new Error(`a secret shows in ${where}`);
  };
  const tables = (await bindings.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'").all<{ name: string }>()).results;
  for (const { name } of tables) find(`table ${name}`, JSON.stringify((await bindings.DB.prepare(`SELECT * FROM "${name}"`).all()).results));
  for (const stub of [feedOf(world.owner), ...instanceIds.map((id) => objectOf(world.owner, id))]) {
    await runInDurableObject(stub, (_, state) => {
      for (const { name } of state.storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray()) {
        find(`object table ${name}`, JSON.stringify(state.storage.sql.exec(`SELECT * FROM "${name}"`).toArray()));
      }
    });
  }
  for (const line of logged) find("a log line", line);
  for (const one of world.said) find("an answer", one instanceof Error ? `${one.name} ${one.message} ${String(one.stack)} ${JSON.stringify(one)} ${String(one.cause)}` : JSON.stringify(one) ?? "");
}
