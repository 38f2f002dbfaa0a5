import { z } from "zod";

export const StartedGrantView = z
  .object({
    deviceCode: z.string(),
    userCode: z.string(),
    verificationUri: z.string().meta({ description: "Where the person confirms, from our own origin on" }),
    expiresIn: z.int().meta({ description: "Seconds" }),
    interval: z.int().meta({ description: "Seconds between polls" }),
  })
  .meta({ id: "DeviceGrant" });

export const ActivateQuery = z.object({ userCode: z.string().min(1).max(32) });

export const PollQuery = z.object({ deviceCode: z.string().min(1).max(128) });

export const AuthorizedView = z.object({ status: z.literal("authorized"), token: z.string() }).meta({ id: "DeviceGrantAuthorized" });

export const PendingView = z.object({ status: z.literal("pending") }).meta({ id: "DeviceGrantPending" });
