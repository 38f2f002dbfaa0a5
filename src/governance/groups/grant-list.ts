import type { z } from "zod";
import { invalidField } from "../../kernel/errors/app-error";
import type { Grant, GroupGrantInput } from "../grants";
import { pickEdited } from "./groups.core";
import type { UpdateGroupBody } from "./groups.schemas";

type Lists = Pick<z.output<typeof UpdateGroupBody>, "awarenessGrants" | "grants">;
type Written = NonNullable<Lists["grants"]>[number];

/**
 * The grants that a request means, under whichever of their two names: without a subject they are to the group itself.
 * @param before what the group has now
 * @throws AppError VALIDATION_ERROR when the two lists were edited, and not alike
 */
export function grantsMeant({ awarenessGrants, grants }: Lists, groupId: string, before: readonly Grant[]): GroupGrantInput[] {
  const complete = (list: readonly Written[] | undefined): GroupGrantInput[] | undefined => list?.map((grant) => withSubject(grant, groupId));
  const present = before.map(toInput);
  const [first, second] = [complete(awarenessGrants), complete(grants)];
  const meant = pickEdited(first, second, present, same);
  if (meant === "contradiction") throw invalidField(["body", "grants"], "awarenessGrants and grants are one list; send one of them, or the same twice");
  return [...meant];
}

const withSubject = ({ subjectType = "group", subjectId, subjectName, ...grant }: Written, groupId: string): GroupGrantInput => ({
  ...grant,
  subjectType,
  subjectName,
  subjectId: subjectId ?? subjectName ?? groupId,
});

const toInput = ({ payloadId, scope, subjectType, subjectId, subjectName, access, priority, note }: Grant): GroupGrantInput => ({
  payloadId,
  scope,
  subjectType,
  subjectId,
  subjectName: subjectName ?? undefined,
  access,
  priority,
  note: note ?? undefined,
});

/** Whether two lists say the same: a name that is the id adds nothing. */
function same(a: readonly GroupGrantInput[], b: readonly GroupGrantInput[]): boolean {
  const said = (list: readonly GroupGrantInput[]): string =>
    JSON.stringify(list.map((grant) => [grant.payloadId, grant.scope, grant.subjectType, grant.subjectId, grant.subjectName ?? grant.subjectId, grant.access, grant.priority ?? 0, grant.note ?? null]));
  return said(a) === said(b);
}
