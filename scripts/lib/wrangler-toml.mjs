/** What a database id is before `npm run deploy` has made the database. */
export const ZERO_ID = "00000000-0000-0000-0000-000000000000";

/**
 * Writes the id of an environment's database into wrangler.toml, and changes nothing else.
 * @param {string} toml
 * @param {string} environment
 * @param {string} databaseName
 * @param {string} id
 * @returns {string}
 * @throws when that environment has no such database
 */
export function setDatabaseId(toml, environment, databaseName, id) {
  const header = `[[env.${environment}.d1_databases]]`;
  let at = toml.indexOf(header);
  while (at >= 0) {
    const next = toml.indexOf("\n[", at + 1);
    const end = next < 0 ? toml.length : next;
    const table = toml.slice(at, end);
    if (table.includes(`database_name = "${databaseName}"`)) return toml.slice(0, at) + table.replace(/database_id\s*=\s*"[^"]*"/, `database_id = "${id}"`) + toml.slice(end);
    at = toml.indexOf(header, end);
  }
  throw new Error(`wrangler.toml has no database "${databaseName}" in env.${environment}`);
}
