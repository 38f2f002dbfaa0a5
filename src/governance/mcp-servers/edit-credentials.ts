import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { findKnownSecrets } from "../secrets";
import { MAX_CREDENTIALS, toCredentialView, type CredentialBody, type CredentialRef, type CredentialView, type DeletedCredentialView, type ServerRef } from "./mcp-servers.schemas";
import { deleteCredentialRow, findServer, insertCredential, updateServerRow } from "./mcp-servers.store";
import { requireCustody } from "./server-rules";

/** Adds one credential to a server. @throws MCP_SERVER_NOT_FOUND, AppError VALIDATION_ERROR when it breaks the custody rule or there are too many */
export function addCredential(ctx: Ctx, ref: z.output<typeof ServerRef>, body: z.output<typeof CredentialBody>): Promise<z.input<typeof CredentialView>> {
  return retryLostUpdate(async () => {
    const [found, secrets] = await Promise.all([findServer(ctx, ref.id), findKnownSecrets(ctx, body.secretRef === null ? [] : [body.secretRef])]);
    if (!found) throw refusal("MCP_SERVER_NOT_FOUND", "MCP server not found.");
    requireCustody(body, ["body"]);
    if (found.credentials.length >= MAX_CREDENTIALS) throw invalidField(["body"], `A server has at most ${MAX_CREDENTIALS} credentials`);
    const now = ctx.clock.now();
    const { server } = found;
    const credential = { ...body, id: newId("mcr", now), serverId: server.id, createdAt: now };
    // The server's version keeps it from going while its credential comes.
    await new Plan(ctx)
      .guarded(updateServerRow(ctx, server, { updatedAt: now }))
      .write(insertCredential(ctx, credential))
      .audit(governed({ action: "mcp_credential.create", kind: "McpServerCredential", key: credential.id, after: { server: server.name, displayName: body.displayName, brokeringMode: body.brokeringMode, secretRef: body.secretRef } }))
      .commit();
    return toCredentialView({ ...credential, seq: 0 }, secrets);
  });
}

/** Takes one credential from a server; its secret stays. @throws MCP_CREDENTIAL_NOT_FOUND */
export function deleteCredential(ctx: Ctx, ref: z.output<typeof CredentialRef>): Promise<z.input<typeof DeletedCredentialView>> {
  return retryLostUpdate(async () => {
    const found = await findServer(ctx, ref.id);
    const credential = found?.credentials.find(({ id }) => id === ref.credentialId);
    if (!found || !credential) throw refusal("MCP_CREDENTIAL_NOT_FOUND", "MCP server credential not found.");
    await new Plan(ctx)
      .guarded(updateServerRow(ctx, found.server, { updatedAt: ctx.clock.now() }))
      .write(deleteCredentialRow(ctx, credential))
      .audit(governed({ action: "mcp_credential.delete", kind: "McpServerCredential", key: credential.id, before: { server: found.server.name, displayName: credential.displayName, brokeringMode: credential.brokeringMode } }))
      .commit();
    return { id: credential.id, status: "deleted" as const };
  });
}
