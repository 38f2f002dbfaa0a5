import { createRandom } from "./random.mjs";
import { DAY_MS } from "./world.mjs";

/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./world.mjs").Machine} Machine */
/** @typedef {import("./insert.mjs").TableOfRows} TableOfRows */

const VERSIONS = ["2026.9.1", "2026.9.4", "2026.10.2", "2026.11.1"];

/** Tables of machines. @param {World} world @param {{ seal: (text: string, context: string) => string, vmTag: (id: string) => string }} sealer @returns {TableOfRows[]} */
export function machineTables(world, sealer) {
  const fingerprints = chooseFingerprints(world);
  return [instances(world, fingerprints), history(world, fingerprints), cloudVms(world, sealer)];
}

/** Of each machine; null for some. Some fingerprints are of several accounts, as with copied disks and shared computers. @param {World} world */
function chooseFingerprints({ options: { seed }, machines }) {
  const random = createRandom(seed, "fingerprints");
  const shared = Array.from({ length: Math.ceil(machines.length / 200) }, () => random.hex(64));
  /** @type {Set<string>} an account has a machine once */
  const taken = new Set();
  return machines.map(({ owner, cloudVmId }) => {
    if (cloudVmId !== null || random.happens(0.05)) return null;
    const common = random.happens(0.03) ? random.pick(shared) : null;
    if (common === null || taken.has(`${owner.id}:${common}`)) return random.hex(64);
    taken.add(`${owner.id}:${common}`);
    return common;
  });
}

/** @param {World} world @param {readonly (string | null)[]} fingerprints @returns {TableOfRows} */
function instances({ options: { seed, until }, machines }, fingerprints) {
  const random = createRandom(seed, "instances");
  return {
    table: "instances",
    columns: ["tenant_id", "instance_id", "label", "registered_version", "machine_fingerprint", "provider", "orgo_computer_id", "capabilities", "online", "online_changed_at", "cloud_vm_id", "archived_at", "plan_disabled_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const [n, { owner, instanceId, label, createdAt, cloudVmId, archivedAt, parked }] of machines.entries()) {
        const isOnline = archivedAt === null && !parked && random.happens(0.55);
        const changedAt = archivedAt ?? Math.max(createdAt, until - random.integer(10 * DAY_MS));
        const capabilities = random.happens(0.3) ? '{"hermes":true}' : "{}";
        const parkedAt = parked ? until - random.integer(30 * DAY_MS) : null;
        yield [owner.id, instanceId, label, random.pick(VERSIONS), fingerprints[n] ?? null, cloudVmId === null ? null : "orgo", cloudVmId === null ? null : `seed-${cloudVmId}`, capabilities, isOnline ? 1 : 0, changedAt, cloudVmId, archivedAt, parkedAt, createdAt, changedAt];
      }
    })(),
  };
}

/** Of all machines that are there, and of as many again in ten that are gone. @param {World} world @param {readonly (string | null)[]} fingerprints @returns {TableOfRows} */
function history({ options: { seed, until }, machines, owners }, fingerprints) {
  const random = createRandom(seed, "history");
  return {
    table: "fingerprint_history",
    columns: ["fingerprint", "tenant_id", "instance_id", "first_seen_at"],
    rows: (function* () {
      for (const [n, fingerprint] of fingerprints.entries()) {
        const machine = /** @type {Machine} */ (machines[n]);
        if (fingerprint !== null) yield [fingerprint, machine.owner.id, machine.instanceId, machine.createdAt];
        if (random.happens(0.1)) yield [random.hex(64), random.pick(owners).id, `gone-${random.hex(12)}`, until - random.integer(600 * DAY_MS)];
      }
    })(),
  };
}

/** At no provider: no reconciler asks a driver that is not configured. @param {World} world @param {{ seal: (text: string, context: string) => string, vmTag: (id: string) => string }} sealer @returns {TableOfRows} */
function cloudVms({ options: { seed }, machines }, { seal, vmTag }) {
  const random = createRandom(seed, "cloud vms");
  return {
    table: "cloud_vms",
    columns: ["id", "tenant_id", "instance_id", "name", "driver", "tag", "cpu", "ram_gb", "disk_gb", "llm_provider", "sealed_llm_key", "server_url", "sealed_token", "computer_id", "workspace_id", "workspace_name", "status", "step", "step_started_at", "step_deadline_at", "step_percent", "detail", "installed_at", "beats_since", "destroyed_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const { owner, instanceId, label, createdAt, cloudVmId: id, archivedAt } of machines) {
        if (id === null) continue;
        const status = archivedAt !== null ? "destroyed" : random.happens(0.9) ? "online" : "failed";
        const isLive = status === "online";
        const provider = random.pick([null, "gemini", "anthropic", "openrouter"]);
        const llmKey = provider !== null && status !== "destroyed" ? seal(`seed-${random.hex(16)}`, `cloud_vm_llm:${id}`) : null;
        yield [
          id, owner.id, instanceId, label, "orgo", vmTag(id), random.pick([1, 2, 4]), random.pick([4, 8]), 40, provider, llmKey, "https://sett.example",
          status === "destroyed" ? null : seal(`seed-${random.hex(16)}`, `cloud_vm_token:${id}`), `seed-${id}`, "seed", "seed", status, isLive || status === "destroyed" ? "online" : "install", createdAt + 120_000, createdAt + 720_000, isLive ? 100 : 40,
          status === "failed" ? "The software could not be installed" : null, isLive ? createdAt + 300_000 : null, isLive ? createdAt + 300_000 : null, archivedAt, createdAt, archivedAt ?? createdAt + 360_000,
        ];
      }
    })(),
  };
}
