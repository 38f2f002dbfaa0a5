import { z } from "zod";
import { iso, utcIso } from "../../kernel/clock";
import type { AccessToken } from "./access-tokens.store";

/** Free text; blank is as good as none. */
const Text = (fallback: string) => z.string().trim().max(255).default(fallback).transform((text) => text || fallback);

export const CreateAccessTokenBody = z
  .object({
    name: Text("default"),
    owner: Text("unknown"),
    expiresAt: z
      .string()
      .max(64)
      .refine((text) => utcIso(text) !== null, "A time in ISO 8601")
      .nullish()
      .meta({ format: "date-time", description: "Absent: never" }),
  })
  .meta({ id: "CreateAccessTokenRequest" });

export const AccessTokenRef = z.object({ id: z.string().min(1).max(64) });

const AccessTokenFields = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
});

export const AccessTokenView = AccessTokenFields.extend({ lastUsedAt: z.iso.datetime().optional() }).meta({ id: "AccessToken" });

export const AccessTokenListView = z.array(AccessTokenView);

export const CreatedAccessTokenView = AccessTokenFields.extend({ plainTextToken: z.string().meta({ description: "Shown this once" }) }).meta({ id: "CreatedAccessToken" });

/** Everything but the plaintext, which nobody keeps. */
export const toTokenView = ({ id, name, owner, createdAt, expiresAt, lastUsedAt }: AccessToken): z.input<typeof AccessTokenView> => ({
  id,
  name,
  owner,
  createdAt: iso(createdAt),
  ...(expiresAt === null ? {} : { expiresAt: iso(expiresAt) }),
  ...(lastUsedAt === null ? {} : { lastUsedAt: iso(lastUsedAt) }),
});
