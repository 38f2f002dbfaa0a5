import { z } from "zod";
import type { Actor, BrowserSession } from "../../kernel/auth/actor";
import { iso } from "../../kernel/clock";

export const SignInQuery = z.object({ returnTo: z.string().max(8_192).optional().meta({ description: "A path of ours; anything else is /" }) });

/** The provider decides what it says; what it says is checked against the attempt. */
export const CallbackQuery = z.object({ code: z.string().max(8_192).optional(), state: z.string().max(8_192).optional() });

const PersonView = z
  .object({
    sub: z.string(),
    issuer: z.string(),
    authenticatedAt: z.iso.datetime(),
    email: z.string().optional(),
    emailVerified: z.boolean().optional(),
    name: z.string().optional(),
    picture: z.string().optional(),
    isPlatformOperator: z.boolean().meta({ description: "Whether they may do everything" }),
  })
  .meta({ id: "SignedInPerson" });

export const MeView = z.object({ mode: z.enum(["oidc", "none"]), authenticated: z.boolean(), user: PersonView.nullable() }).meta({ id: "AuthMe" });

export const toPersonView = ({ subject, issuer, authenticatedAt, email, emailVerified, name, picture }: BrowserSession, role: Actor["type"]): z.input<typeof PersonView> => ({
  sub: subject,
  issuer,
  authenticatedAt: iso(authenticatedAt),
  ...(email === null ? {} : { email, emailVerified }),
  ...(name === null ? {} : { name }),
  ...(picture === null ? {} : { picture }),
  isPlatformOperator: role === "operator",
});
