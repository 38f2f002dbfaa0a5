import { instanceObject, tenantObject } from "../../../durable-objects/stubs";
import { activeKeyId, signClaims } from "../../kernel/auth/signed-claims";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { describeError } from "../../kernel/logging/logger";
import { compileEffectiveContract, compileForMachines, type IdentifiedContract } from "./compile-contract";
import { findContractTenant, insertContract, listContractsToRelease, listGovernedMachines, listUndelivered, outdateContract, recordDelivery, recordTry, replaceContract, type ContractTenant, type GovernedMachine, type MachineContractRow, type UndeliveredContract } from "./contracts.store";
import { canonicalJson } from "./effective-contract.core";
import { compileMachineContract, nextRevision, releasedContract } from "./machine-contract.core";

const CONTRACT_TYPE = "sett-contract+jwt";
const AUDIENCE = "sett-machine";
/** A contract beyond this does not fit its row: then nothing is allowed rather than nothing is said. */
const CONTRACT_MAX_CHARS = 400_000;
/** Contracts of one commit. */
const COMMIT_CHUNK = 25;
/** Objects called at once. */
const DELIVERIES_AT_ONCE = 10;

/**
 * Compiles a tenant's contract, writes down what its machines should have, and brings it to them. D1 first, then each machine's
 * object; what broke off in between is found again, since D1 knows which revision each object took. Twice does no harm.
 * @throws Error when an object could not be reached
 */
export async function refreshTenant(ctx: Ctx, name: string): Promise<void> {
  const contractId = await retryLostUpdate(() => issueContracts(ctx, name));
  const failed = await deliverContracts(ctx, name);
  if (contractId !== null) await tenantObject(ctx.objects, name).announceContract(contractId);
  if (failed > 0) throw new Error(`${failed} contracts of the tenant ${name} did not reach their machines' objects`);
}

/** A machine, and what its contract says. */
interface Issue {
  readonly machine: GovernedMachine;
  readonly tenant: string;
  readonly contractId: string;
  readonly suspended: boolean;
  readonly claims: Readonly<Record<string, unknown>> & { readonly released?: boolean };
}

/** Writes new revisions for machines whose contract says something else than before. @returns the tenant's contract id; null when there is no such tenant */
async function issueContracts(ctx: Ctx, name: string): Promise<string | null> {
  const tenant = await findContractTenant(ctx, name);
  // The rows are read before what the contracts are made of: whoever commits over a row has read what is at least as new as it.
  const [machines, leaving] = await Promise.all([tenant ? listGovernedMachines(ctx, name, tenant.bornRevision) : [], listContractsToRelease(ctx, name, tenant?.bornRevision ?? null)]);
  const current = await findContractTenant(ctx, name);
  const effective = current && (await compileEffectiveContract(ctx, current));
  // Deleted and made anew meanwhile: what came after us refreshes it.
  const isSameLife = current?.bornRevision === tenant?.bornRevision;
  const released = leaving.map((contract): Issue => ({ machine: { ...contract, contract }, tenant: name, contractId: contract.contractId, suspended: false, claims: releasedContract(name, contract.contractId) }));
  const governed = current && effective && isSameLife && machines.length > 0 ? await issuesFor(ctx, current, effective, machines) : [];
  const kid = await activeKeyId(ctx.config);
  const issues = [...governed, ...released];
  for (let start = 0; start < issues.length; start += COMMIT_CHUNK) {
    const plan = new Plan(ctx);
    for (const issue of issues.slice(start, start + COMMIT_CHUNK)) await addIssue(ctx, plan, issue, kid);
    await plan.commit();
  }
  return effective?.contractId ?? null;
}

async function issuesFor(ctx: Ctx, tenant: ContractTenant, effective: IdentifiedContract, machines: readonly GovernedMachine[]): Promise<Issue[]> {
  const forMachines = await compileForMachines(ctx, tenant, effective);
  const compiled = compileMachineContract(forMachines);
  const isTooLarge = JSON.stringify(compiled).length > CONTRACT_MAX_CHARS;
  if (isTooLarge) ctx.log.error("a machine contract is too large", { event: "contracts.too_large", tenant: tenant.name });
  const claims = isTooLarge ? compileMachineContract({ ...forMachines, bots: [], policy: { kind: "broken", message: "The contract is too large for machines." } }) : compiled;
  return machines.map((machine) => ({ machine, tenant: tenant.name, contractId: effective.contractId, suspended: tenant.suspended, claims }));
}

/** Adds the machine's next contract to the plan, unless it says what the present one says. */
async function addIssue(ctx: Ctx, plan: Plan, { machine, tenant, contractId, suspended, claims }: Issue, kid: string): Promise<void> {
  const { instanceRow, instanceId, userId, contract: known } = machine;
  const contentHash = await sha256Hex(canonicalJson({ ...claims, instance: instanceId, kid }));
  if (known?.contentHash === contentHash) return;
  const now = ctx.clock.now();
  const revision = nextRevision(known?.revision ?? 0, now);
  const jws = await signClaims(ctx.config, CONTRACT_TYPE, { ...claims, aud: AUDIENCE, instance: instanceId, rev: revision }, now);
  const row: MachineContractRow = {
    instanceRow,
    instanceId,
    userId,
    tenant,
    revision,
    contractId,
    contentHash,
    signingKid: kid,
    suspended,
    released: claims.released === true,
    jws,
    deliveredRevision: 0,
    triedAt: 0,
    createdAt: now,
    updatedAt: now,
  };
  plan.guarded(known ? replaceContract(ctx, row, known.revision) : insertContract(ctx, row));
}

/** Brings to the machines' objects what they do not have. @returns how many could not be reached */
async function deliverContracts(ctx: Ctx, tenant: string): Promise<number> {
  const rows = await listUndelivered(ctx, tenant);
  let failed = 0;
  for (let start = 0; start < rows.length; start += DELIVERIES_AT_ONCE) {
    const results = await Promise.all(rows.slice(start, start + DELIVERIES_AT_ONCE).map((row) => deliver(ctx, row)));
    failed += results.filter((delivered) => !delivered).length;
  }
  return failed;
}

async function deliver(ctx: Ctx, { contract: row, registeredAt }: UndeliveredContract): Promise<boolean> {
  const { userId, instanceId, tenant, revision, contractId, suspended, released, jws } = row;
  const ref = { userId, instanceId };
  try {
    const answer = await instanceObject(ctx.objects, ref).govern(ref, { tenant, revision, contractId, suspended, released, jws }, registeredAt);
    // A machine that was deleted a moment ago: the sweep forgets it.
    if (answer.kind === "gone") await recordTry(ctx, row);
    else if (answer.revision > revision) await outdateContract(ctx, row, answer.revision);
    else await recordDelivery(ctx, row, revision);
    return true;
  } catch (error) {
    ctx.log.warn("a contract did not reach its machine's object", { event: "contracts.undelivered", tenant, instance_id: instanceId, ...describeError(error) });
    await recordTry(ctx, row);
    return false;
  }
}
