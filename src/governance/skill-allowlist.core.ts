/**
 * Whether a tenant's own list lets it use a skill that is granted to it. No list, or an empty one, narrows nothing: it never lets in what no grant does.
 * @param allowlist names or ids
 */
export const isOnAllowlist = (allowlist: readonly string[] | null, skill: { readonly id: string; readonly name: string }): boolean =>
  allowlist === null || allowlist.length === 0 || allowlist.includes(skill.name) || allowlist.includes(skill.id);
