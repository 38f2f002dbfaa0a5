/** Who is asking. Audit and scope code must handle each kind. */
export type Actor =
  | { readonly type: "anonymous" }
  | { readonly type: "user"; readonly userId: number; readonly sub: string; readonly sessionId: number | null; readonly epoch: number; readonly role: Role; readonly expiresAt: number }
  | { readonly type: "cliToken"; readonly userId: number; readonly tokenId: string; readonly expiresAt: number | null }
  | { readonly type: "system"; readonly job: string };

export type Role = "user" | "admin" | "superadmin";

/** A caller who owns data: a person, or a CLI acting for one. */
export type OwnerActor = Extract<Actor, { userId: number }>;

export const isOwner = (actor: Actor): actor is OwnerActor => actor.type === "user" || actor.type === "cliToken";

export function actorId(actor: Actor): string | null {
  switch (actor.type) {
    case "anonymous":
      return null;
    case "user":
      return String(actor.userId);
    case "cliToken":
      return actor.tokenId;
    case "system":
      return actor.job;
  }
}

export function actorTenant(actor: Actor): number | null {
  return isOwner(actor) ? actor.userId : null;
}
