import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { custodyFault, readEndpoint } from "./mcp-servers.core";
import type { UpdateServerBody } from "./mcp-servers.schemas";
import type { CredentialInput } from "./mcp-servers.store";

/** @throws AppError VALIDATION_ERROR when a credential breaks the custody rule */
export function requireCustody({ brokeringMode, secretRef }: CredentialInput, loc: readonly (string | number)[]): void {
  const fault = custodyFault(brokeringMode, secretRef);
  if (fault !== null) throw invalidField([...loc, "secretRef"], fault);
}

/** What no schema can say of a server, before anything of it is written. @throws AppError VALIDATION_ERROR */
export function requireSound(ctx: Ctx, { endpoint, credentials }: z.output<typeof UpdateServerBody>): void {
  const read = endpoint === undefined ? null : readEndpoint(endpoint, ctx.config.environment === "local");
  if (read && "fault" in read) throw invalidField(["body", "endpoint"], read.fault);
  credentials.forEach((credential, index) => {
    requireCustody(credential, ["body", "credentials", index]);
  });
}
