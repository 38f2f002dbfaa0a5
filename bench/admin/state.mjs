import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hashInputs } from "../../scripts/lib/content-hash.mjs";
import { inRoot, ROOT } from "../../scripts/lib/paths.mjs";
import { runNode } from "../../scripts/lib/run.mjs";

/** What the rows of a seeded folder depend on. */
const INPUTS = ["scripts/seed.mjs", "scripts/lib/seed", "migrations"];

/**
 * A seeded state folder below .cache, made once for each content of the seed and each month: rows age.
 * @param {{ users: number, machines: number, bots: number }} sizes
 * @param {{ say: (text: string) => void }} report
 * @returns {Promise<string>}
 */
export async function seededState(sizes, { say }) {
  const root = inRoot(".cache/seed");
  const month = new Date().toISOString().slice(0, 7);
  const prefix = `${sizes.users}-${sizes.machines}-${sizes.bots}-`;
  const folder = join(root, `${prefix}${month}-${hashInputs(ROOT, INPUTS).slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) if (name.startsWith(prefix)) rmSync(join(root, name), { recursive: true, force: true });
  const draft = `${folder}.${process.pid}.draft`;
  say(`seeding ${draft}`);
  const sized = Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await runNode("the seed", [inRoot("scripts/seed.mjs"), ...sized, "--state", draft], { onLine: say });
  renameSync(draft, folder);
  return folder;
}
