/**
 * The provider of local machines: what `npm start` offers in place of a cloud. It keeps machines below one folder, and is asked over HTTP on
 * the loopback interface. Its calls are those of the port (src/kernel/ports/compute.ts); its client is src/integrations/process.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createDisk, readDisks, removeDisk } from "./disk.mjs";
import { createApi } from "./http.mjs";
import { Machine, VmFault } from "./machine.mjs";
import { endFamily, listProcesses, newFamily } from "./process-family.mjs";
import { linkToolchain } from "./toolchain.mjs";

/** A laptop's worth: each is a few processes. */
const MAX_MACHINES = 32;
const LOOK_MS = 2_000;
/** For the daemons' goodbyes when the server ends. */
const CLOSE_GRACE_MS = 1_500;
const TOKEN_BYTES = 32;

/** @typedef {{ url: string, token: string, folder: string, count: () => number, bootAll: () => Promise<void>, close: () => Promise<void> }} VmAgent */

const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** Why there are no local machines here, or null. @param {NodeJS.ProcessEnv} env @param {string} platform @param {string} environment @param {string} [host] that the server listens on */
export function whyNoMachines(env, platform, environment, host = "127.0.0.1") {
  if (env["SETT_VMS"] === "off") return "off, by SETT_VMS";
  // Whoever rents one runs processes as the user who started the server.
  if (!LOOPBACK.includes(host) && env["SETT_VMS"] !== "on") return `off: the server listens on ${host}, and they run as your user (SETT_VMS=on switches them on)`;
  if (environment !== "local") return `off outside the local environment (this is ${environment})`;
  if (platform === "win32") return "off: Windows cannot run them (Linux and macOS can)";
  return null;
}

/**
 * Starts to answer. Machines of an earlier agent are there, and off until `bootAll`; what it left running is ended.
 * @param {string} stateDir machines are kept below it
 * @returns {Promise<VmAgent>}
 */
export async function startVmAgent(stateDir) {
  const host = { vms: join(stateDir, "vms"), path: linkToolchain(join(stateDir, "vm-bin")) };
  /** @type {Map<string, Machine>} */
  const machines = new Map();
  await readState(host, machines);

  /** @param {string} id */
  const get = (id) => {
    const machine = machines.get(id);
    if (!machine) throw new VmFault("gone", "There is no such machine.");
    return machine;
  };
  /** @param {Machine} machine */
  const destroy = async (machine) => {
    await machine.destroy();
    machines.delete(machine.record.id);
  };
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const api = await createApi(token, {
    list: () => [...machines.values()].map((machine) => machine.view()),
    find: (id) => get(id).view(),
    async create(spec) {
      const same = [...machines.values()].find((machine) => machine.record.tag === spec.tag && !machine.ends);
      if (same) return same.view();
      if (machines.size >= MAX_MACHINES) throw new VmFault("capacity", `This computer takes at most ${MAX_MACHINES} local machines.`);
      const machine = new Machine(host, createDisk(host.vms, spec));
      machines.set(machine.record.id, machine);
      await machine.start();
      return machine.view();
    },
    async change(id, change) {
      const machine = get(id);
      if (change === "destroy") await destroy(machine);
      else await machine[change]();
      return machine.view();
    },
    run: (id, command, timeoutMs) => get(id).run(command, timeoutMs),
  });
  const looking = setInterval(() => {
    if (machines.size === 0) return;
    const rows = listProcesses();
    for (const machine of machines.values()) machine.look(rows);
  }, LOOK_MS);
  looking.unref();

  return {
    url: api.url,
    token,
    folder: host.vms,
    count: () => machines.size,
    async bootAll() {
      await Promise.all([...machines.values()].filter(({ record }) => record.wanted === "running").map((machine) => machine.start()));
    },
    async close() {
      clearInterval(looking);
      await api.close();
      await Promise.all([...machines.values()].map((machine) => machine.cutPower(CLOSE_GRACE_MS)));
    },
  };
}

/** @param {import("./machine.mjs").Host} host @param {Map<string, Machine>} machines */
async function readState(host, machines) {
  const { records, torn } = readDisks(host.vms);
  for (const record of records) {
    const machine = new Machine(host, record);
    await machine.clearLeftovers();
    if (machine.ends) removeDisk(host.vms, record.id);
    else machines.set(record.id, machine);
  }
  for (const id of torn) {
    await endFamily(newFamily(id));
    removeDisk(host.vms, id);
  }
}
