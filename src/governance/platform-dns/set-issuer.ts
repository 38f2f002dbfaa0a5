import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { secretNameOf, solverSealContext, whatSolverLacks } from "./platform-dns.core";
import type { IssuerSetView, SetIssuerBody } from "./platform-dns.schemas";
import { findIssuer, upsertIssuer, type IssuerRow } from "./platform-dns.store";

interface Solver {
  readonly apiToken?: string | undefined;
  readonly solverConfig?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Configures an issuer. A token or settings that are left out stay what they were while the provider does.
 * @throws AppError DNS_PROVIDER_MISCONFIGURED
 */
export function setIssuer(ctx: Ctx, body: z.output<typeof SetIssuerBody>): Promise<z.input<typeof IssuerSetView>> {
  // What is kept of the row before must not bring back a secret that somebody replaces right now.
  return retryLostUpdate(() => setOnce(ctx, body));
}

async function setOnce(ctx: Ctx, body: z.output<typeof SetIssuerBody>): Promise<z.input<typeof IssuerSetView>> {
  const { provider, zone, email, server, issuerName } = body;
  const before = await findIssuer(ctx, issuerName);
  const kept = before?.provider === provider ? await openSolver(ctx, before) : {};
  const solver: Solver = { apiToken: body.apiToken ?? kept.apiToken, solverConfig: body.solverConfig ?? kept.solverConfig };
  const hasToken = solver.apiToken !== undefined;
  const lacking = whatSolverLacks(provider, hasToken, solver.solverConfig !== undefined);
  if (lacking !== null) throw refusal("DNS_PROVIDER_MISCONFIGURED", "The provider's solver cannot work with this.", { detail: `body.${lacking}` });
  const sealedSolver = await seal(ctx.config.sealKeys, JSON.stringify(solver), solverSealContext(issuerName));
  const now = ctx.clock.now();
  const facts = { provider, zone, email, server, hasToken };
  await new Plan(ctx)
    .guarded(upsertIssuer(ctx, { issuerName, ...facts, sealedSolver, createdAt: now, updatedAt: now }, before?.version ?? null))
    .audit(governed({ action: "dns_issuer.configure", kind: "DnsIssuer", key: issuerName, before: before && factsOf(before), after: facts }))
    .commit();
  return { status: "configured", issuerName, issuerKind: "ClusterIssuer", issuerNamespace: null, provider, zone, secretName: secretNameOf(provider, hasToken) };
}

const factsOf = ({ provider, zone, email, server, hasToken }: IssuerRow) => ({ provider, zone, email, server, hasToken });

async function openSolver(ctx: Ctx, row: IssuerRow): Promise<Solver> {
  const text = await unseal(ctx.config.sealKeys, row.sealedSolver, solverSealContext(row.issuerName));
  return text === null ? {} : (JSON.parse(text) as Solver);
}
