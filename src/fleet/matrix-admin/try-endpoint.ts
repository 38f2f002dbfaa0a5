import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import type { TestEndpointBody, TestEndpointView } from "./matrix-admin.schemas";
import { requireMatrixAdmin } from "./require-admin";
import { showAnswer } from "./test-endpoint.core";

/** Makes one call to the homeserver as its administrator and shows what came back, whatever that is, without credentials. */
export async function tryEndpoint(ctx: OwnerCtx, input: z.output<typeof TestEndpointBody>): Promise<z.input<typeof TestEndpointView>> {
  const admin = requireMatrixAdmin(ctx);
  const { endpoint, method, body } = input;
  // Neither query nor body: they may hold what nobody should find there.
  const [path = endpoint] = endpoint.split("?", 1);
  await new Plan(ctx).audit({ action: "matrix_endpoint.test", subject: { type: "matrix_endpoint", id: path }, detail: { method } }).commit();
  const answer = await admin.raw(method, endpoint, method === "GET" ? undefined : (body ?? undefined));
  const { matrix } = ctx.config;
  return showAnswer(answer, [matrix?.adminToken, matrix?.botToken, matrix?.registrationSecret].flatMap((secret) => secret ?? []));
}
