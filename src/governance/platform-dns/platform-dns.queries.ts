import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { secretNameOf } from "./platform-dns.core";
import type { IssuerView, ReadIssuerQuery } from "./platform-dns.schemas";
import { findIssuer } from "./platform-dns.store";

/** An issuer's settings without its secrets. One that nobody configured says so. */
export async function getIssuer(ctx: Ctx, { issuerName }: z.output<typeof ReadIssuerQuery>): Promise<z.input<typeof IssuerView>> {
  const row = await findIssuer(ctx, issuerName);
  return {
    configured: row !== null,
    issuerName,
    issuerKind: "ClusterIssuer",
    issuerNamespace: null,
    provider: row?.provider ?? null,
    zone: row?.zone ?? null,
    email: row?.email ?? null,
    server: row?.server ?? null,
    secretName: row ? secretNameOf(row.provider, row.hasToken) : null,
  };
}
