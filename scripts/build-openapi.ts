/**
 * Writes openapi/FAMILY.json from the operation records of each family and clients/FAMILY.gen.ts from that. With `--check` it writes nothing and
 * fails when either is out of date; `--draft FOLDER` writes there whatever could be made, faults or not. Every feature is loaded in plain Node; one that cannot be is named, and nothing is written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import openapiTS, { astToString } from "openapi-typescript";
import { families } from "../src/families";
import { findFeature } from "../src/kernel/registry";
import type { Family } from "../src/kernel/family";
import type { FeatureEntry, Operation } from "../src/kernel/operation";
import { buildDocument } from "./openapi/document";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const flags = parseArgs({ options: { check: { type: "boolean", default: false }, draft: { type: "string" } } }).values;

async function loadOperations(features: readonly FeatureEntry[], faults: string[]): Promise<Operation[]> {
  const operations: Operation[] = [];
  for (const feature of features) {
    try {
      const loaded = (await feature.load()).operations;
      for (const { spec } of loaded) {
        const owner = findFeature(features, spec.path.replaceAll(/\{\w+\}/g, "x"))?.name;
        if (owner !== feature.name) faults.push(`${spec.id}: ${spec.path} is routed to ${owner ?? "no feature"} by its index, not to ${feature.name}`);
      }
      operations.push(...loaded);
    } catch (error) {
      faults.push(`feature ${feature.name} does not load in Node: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    }
  }
  return operations;
}

async function generate(family: Family): Promise<{ files: Map<string, string>; faults: string[] }> {
  const { version } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as { version: string };
  const faults: string[] = [];
  const operations = await loadOperations(family.features, faults);
  const { document, faults: documentFaults } = buildDocument(family, version, operations);
  const types = astToString(await openapiTS(JSON.parse(JSON.stringify(document)) as Parameters<typeof openapiTS>[0], { defaultNonNullable: false }));
  const header = `/* Generated from openapi/${family.name}.json by \`npm run openapi\`; do not edit. */\n\n`;
  const files = new Map([
    [`openapi/${family.name}.json`, `${JSON.stringify(document, null, 2)}\n`],
    [`clients/${family.name}.gen.ts`, header + types],
  ]);
  return { files, faults: [...faults, ...documentFaults] };
}

let failed = false;
const fail = (text: string): void => {
  process.stderr.write(`${text}\n`);
  failed = true;
};

for (const family of families) {
  const { files, faults } = await generate(family);
  for (const fault of faults) fail(fault);
  if (faults.length > 0 && flags.draft === undefined) continue;
  for (const [file, text] of files) {
    const path = resolve(root, flags.draft ?? "", file);
    const current = existsSync(path) ? readFileSync(path, "utf8") : null;
    if (current === text) continue;
    if (flags.check) fail(`${file} is out of date; run: npm run openapi`);
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      process.stdout.write(`wrote ${file}\n`);
    }
  }
}
process.exitCode = failed ? 1 : 0;
