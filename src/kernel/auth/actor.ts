/** Who is asking. Audit and scope code must handle each kind. */
export type Actor =
  | { readonly type: "anonymous" }
  | { readonly type: "user"; readonly userId: number; readonly sub: string; readonly sessionId: number | null; readonly epoch: number; readonly role: Role; readonly expiresAt: number }
  | { readonly type: "cliToken"; readonly userId: number; readonly tokenId: string; readonly expiresAt: number | null }
  | { readonly type: "operator"; /** What vouches: a token's id, a person's. */ readonly id: string; /** Shown to people. */ readonly label: string; readonly session: BrowserSession | null }
  | { readonly type: "member"; readonly id: string; readonly session: BrowserSession }
  | { readonly type: "tenant"; readonly id: string; readonly tenant: string; /** When its token ends, ms. */ readonly expiresAt: number; /** How often the tenant's sessions had been cut when it was made. */ readonly epoch: number }
  | { readonly type: "modelKey"; readonly id: string; readonly tenant: string }
  | { readonly type: "system"; readonly job: string };

/** A person whom an identity provider vouches for, in a browser. Times in ms. */
export interface BrowserSession {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly picture: string | null;
  readonly authenticatedAt: number;
  readonly expiresAt: number;
}

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
    case "operator":
    case "member":
    case "tenant":
    case "modelKey":
      return actor.id;
    case "system":
      return actor.job;
  }
}

export function actorTenant(actor: Actor): number | null {
  return isOwner(actor) ? actor.userId : null;
}
