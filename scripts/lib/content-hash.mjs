import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

const SKIPPED = new Set(["node_modules", "dist", ".cache", ".wrangler"]);

/**
 * Every file below the given paths (files or folders), sorted; build output is left out.
 * @param {string} root
 * @param {readonly string[]} inputs relative to `root`
 * @returns {string[]} relative paths with forward slashes
 */
export function listInputs(root, inputs) {
  /** @type {string[]} */
  const files = [];
  /** @param {string} path */
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path)) if (!SKIPPED.has(name)) visit(join(path, name));
    } else files.push(relative(root, path).split(sep).join("/"));
  };
  for (const input of inputs) visit(join(root, input));
  return [...new Set(files)].sort();
}

/**
 * Changes when a file below `inputs` changes, appears, moves or goes. Times do not matter, so a fresh clone hashes the same.
 * @param {string} root
 * @param {readonly string[]} inputs
 */
export function hashInputs(root, inputs) {
  const hash = createHash("sha256");
  for (const file of listInputs(root, inputs)) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
