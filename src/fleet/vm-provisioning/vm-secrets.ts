import type { Ctx, OwnerCtx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import type { Plan } from "../../kernel/db/client";
import { freeName, listNamesInUse, prepareCliToken } from "../cli-tokens";
import type { CloudVm } from "./provisioning.store";

/** What a machine is given besides its software: the model's key, and the token that its daemon speaks with. Both are sealed at rest. */

export const llmKeySealContext = (vmId: string): string => `cloud_vm_llm:${vmId}`;
export const tokenSealContext = (vmId: string): string => `cloud_vm_token:${vmId}`;

/** The variable by which each provider's tools know its key. */
const KEY_VARIABLE: Readonly<Record<NonNullable<CloudVm["llmProvider"]>, string>> = { gemini: "GEMINI_API_KEY", anthropic: "ANTHROPIC_API_KEY", openrouter: "OPENROUTER_API_KEY" };

export interface PreparedVmToken {
  readonly tokenId: string;
  readonly sealedToken: string;
  readonly writeTo: (plan: Plan) => Plan;
}

/** A token that is bound to the machine from the start, and lives until the machine goes. */
export async function prepareVmToken(ctx: OwnerCtx, vm: Pick<CloudVm, "id" | "name" | "instanceId">): Promise<PreparedVmToken> {
  const base = `cloud-${vm.name}`;
  const name = freeName(base, await listNamesInUse(ctx, ctx.actor.userId, base));
  const token = await prepareCliToken(ctx, { name, lifetimeMs: null, binding: { instanceId: vm.instanceId, at: ctx.clock.now() }, origin: { cloud_vm_id: vm.id } });
  return { tokenId: token.row.id, sealedToken: await seal(ctx.config.sealKeys, token.plaintext, tokenSealContext(vm.id)), writeTo: token.writeTo };
}

export interface VmSecrets {
  readonly token: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Null when one of them does not open any more. */
export async function openVmSecrets(ctx: Ctx, vm: CloudVm): Promise<VmSecrets | null> {
  const [token, llmKey] = await Promise.all([
    vm.sealedToken === null ? null : unseal(ctx.config.sealKeys, vm.sealedToken, tokenSealContext(vm.id)),
    vm.sealedLlmKey === null ? null : unseal(ctx.config.sealKeys, vm.sealedLlmKey, llmKeySealContext(vm.id)),
  ]);
  if (token === null) return null;
  if (vm.llmProvider === null) return { token, env: {} };
  return llmKey === null ? null : { token, env: { [KEY_VARIABLE[vm.llmProvider]]: llmKey } };
}
