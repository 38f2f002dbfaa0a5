/** A member as clients may write it: by name, or as an object that says who it is. */
export interface MemberObject {
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  readonly userId?: string | undefined;
  readonly name?: string | undefined;
}

/** The principal that a member stands for: grants are compiled by tenants' names, so those come first. Null when it says nobody. */
export function principalOf(member: string | MemberObject): string | null {
  const names = typeof member === "string" ? [member] : [member.tenant, member.userId, member.id, member.name];
  return names.map((name) => name?.trim() ?? "").find((name) => name !== "") ?? null;
}

/** Members as they are kept: each once, in order. */
export const toMemberList = (members: readonly (string | MemberObject)[]): string[] => [...new Set(members.map(principalOf).filter((name) => name !== null))].sort();

/**
 * One list that came under two names. Whoever reads a group, edits it and sends it back sends both: the one that differs from what was
 * there is the edit. Without either there is nothing.
 * @returns "contradiction" when both were edited, and not alike
 */
export function pickEdited<T>(first: readonly T[] | undefined, second: readonly T[] | undefined, before: readonly T[], same: (a: readonly T[], b: readonly T[]) => boolean): readonly T[] | "contradiction" {
  if (first === undefined || second === undefined || same(first, second)) return first ?? second ?? [];
  if (same(second, before)) return first;
  return same(first, before) ? second : "contradiction";
}
