import { env } from "cloudflare:workers";
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import type { InstanceRpc } from "../../durable-objects/instance/instance.rpc";
import { createSystemContext } from "../../src/context";
import type { Env } from "../../src/env";
import type { Ctx } from "../../src/kernel/context";
import type { Job } from "../../src/kernel/ports/services";
import { expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "./client";
import { expectOperator } from "./governance";
import { beat, objectOf, registerMachine } from "./machines";

/** Machines that tenants govern. */

const bindings = env as unknown as Env;
const { DB } = bindings;

interface Pointer {
  readonly id: string;
  readonly revision: number;
}
export interface GovernedBeat {
  readonly pending_commands: readonly { readonly id: string }[];
  readonly contract?: Pointer;
}
interface MachineContract {
  readonly tenant: string;
  readonly contractId: string;
  readonly revision: number;
  readonly suspended: boolean;
  readonly released: boolean;
  readonly jws: string;
}
export interface MachineView {
  readonly instanceId: string;
  readonly revision: number;
  readonly deliveredRevision: number;
  readonly reportedRevision: number | null;
  readonly inSync: boolean;
}
export interface World {
  readonly tenant: string;
  readonly user: TestUser;
  readonly token: string;
  readonly machine: string;
}

export const tenantPath = (name: string): string => `/api/v1/tenants/${name}`;
export const machinePath = ({ tenant, machine }: World): string => `${tenantPath(tenant)}/machines/${machine}`;

/** Answers its name. */
export async function createTenant(email: string, fields: Record<string, unknown> = {}): Promise<string> {
  const name = uniqueName("tenant");
  await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: name, email, ...fields } });
  return name;
}

/** A machine that a tenant governs. */
export async function govern(fields: Record<string, unknown> = {}): Promise<World> {
  const user = await signUpUser();
  const { token } = await mintToken(user);
  const machine = await registerMachine(user, {}, token);
  const world = { tenant: await createTenant(user.email, fields), user, token, machine };
  await expectOperator(200, "PUT", machinePath(world));
  return world;
}

/** A beat, with its answer. */
export const beatAs = ({ token, machine }: World, overrides: Record<string, unknown> = {}) => beat(token, machine, overrides) as Promise<GovernedBeat>;
/** Its contract as it reads it. */
export const contractOf = ({ token, machine }: World) => expectStatus<MachineContract>(200, "GET", `/api/v1/machine-contracts/${machine}`, { token });
/** The machine in its tenant's list. */
export const viewOf = async ({ tenant, machine }: World) => (await expectOperator<readonly MachineView[]>(200, "GET", `${tenantPath(tenant)}/machines`)).find(({ instanceId }) => instanceId === machine);
/** What D1 says that it should have. */
export const rowOf = ({ machine }: World) => DB.prepare("SELECT * FROM governance_machine_contracts WHERE instance_id = ?").bind(machine).first<{ instance_row: number; revision: number; delivered_revision: number; jws: string; content_hash: string; signing_kid: string }>();
export const rpcOf = ({ user, machine }: World): InstanceRpc => objectOf(user, machine) as unknown as InstanceRpc;
export const refOf = ({ user, machine }: World) => ({ userId: user.userId, instanceId: machine });
/** When its owner registered it, ms: what tells it from another of its id. */
export const registeredAtOf = async ({ machine }: World): Promise<number> => (await DB.prepare("SELECT created_at FROM instances WHERE instance_id = ?").bind(machine).first<number>("created_at")) ?? 0;
/** Fields of a beat in which a machine tells of its contract. */
export const report = (pointer: Pointer, overrides: Record<string, unknown> = {}) => ({ governance: { contract_id: pointer.id, revision: pointer.revision, awareness_version: "awareness/v1alpha1", enforcing: ["domain", "tool"], violations: [], ...overrides } });

/** Checks a contract as a machine does. */
export async function claimsOf({ jws }: MachineContract): Promise<Record<string, unknown>> {
  const keys = await expectStatus<JSONWebKeySet>(200, "GET", "/.well-known/jwks.json");
  const { payload } = await jwtVerify(jws, createLocalJWKSet(keys), { issuer: "sett", audience: "sett-machine", typ: "sett-contract+jwt", algorithms: ["ES256"] });
  return payload;
}

/** A job's context whose queue only collects. */
export function jobContext(): { readonly ctx: Ctx; readonly jobs: Job[] } {
  const jobs: Job[] = [];
  const base = createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
  // Getters of the base stay as they are.
  const ctx = Object.create(base, { services: { get: () => ({ ...base.services, jobs: { send: async (job: Job) => void jobs.push(job) } }) } }) as Ctx;
  return { ctx, jobs };
}
