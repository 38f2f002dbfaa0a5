import { z } from "zod";
import { iso } from "../../kernel/clock";
import { MAX_SECRET_LENGTH, SECRET_NAME, SECRET_VALUE } from "./secrets.core";
import type { SecretTimes } from "./secrets.store";

/** Name of a secret, as paths and credentials say it. */
export const SecretName = z.string().trim().regex(SECRET_NAME, "A secret's name has at most 128 letters, digits, dots, hyphens and underscores, and begins and ends with a letter or digit");

export const SecretRef = z.object({ name: SecretName });

export const PutSecretBody = z.object({ value: z.string().max(MAX_SECRET_LENGTH).regex(SECRET_VALUE, "A secret's value is visible ASCII on one line, without blanks at its ends") }).meta({ id: "PutSecretRequest" });

export const SecretView = z.object({ name: z.string(), createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() }).meta({ id: "Secret" });

export const SecretListView = z.array(SecretView).meta({ id: "SecretList" });

export const ChangedSecretView = SecretView.extend({ status: z.enum(["created", "updated"]) }).meta({ id: "ChangedSecret" });

export const DeletedSecretView = z.object({ name: z.string(), status: z.literal("deleted") }).meta({ id: "DeletedSecret" });

export const toSecretView = ({ name, createdAt, updatedAt }: Omit<SecretTimes, "version">): z.input<typeof SecretView> => ({ name, createdAt: iso(createdAt), updatedAt: iso(updatedAt) });
