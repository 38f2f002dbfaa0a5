import type { PolicyAnswer } from "../../../durable-objects/org/org.rpc";
import type { Ctx } from "../../kernel/context";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { project } from "../projections";
import { MAX_POLICIES } from "./policies.core";
import { policyProjector } from "./project-policy";

/** The one object that keeps policies. */
export const ORG = { object: "org", name: "org" } as const;

export const policyNotFound = (name: string): AppError => refusal("POLICY_NOT_FOUND", `There is no policy ${name}.`);

/** Makes D1 show what OrgDO made of a policy, or refuses in its words. @throws AppError POLICY_NOT_FOUND, CONFLICT, VALIDATION_ERROR */
export async function showPolicyChange(ctx: Ctx, name: string, answer: PolicyAnswer): Promise<void> {
  switch (answer.kind) {
    case "ok":
      return project(ctx, ORG, answer.entry, policyProjector);
    case "missing":
      throw policyNotFound(name);
    case "exists":
      throw new AppError("CONFLICT", `There is a policy ${name} already.`);
    case "full":
      throw new AppError("CONFLICT", `There are ${MAX_POLICIES} policies, which is the most that an organisation can have.`);
    case "contradiction":
      throw invalidField(["body", "domains"], "Says something else than domainRules.allow; send only the one you mean");
  }
}
