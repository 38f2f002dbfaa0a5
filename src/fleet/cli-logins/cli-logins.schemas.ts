import { z } from "zod";
import { CHALLENGE_PATTERN } from "./cli-logins.core";

const Challenge = z.string().regex(CHALLENGE_PATTERN, "An S256 challenge: 43 characters of base64url");

export const StartCliLoginBody = z.object({ code_challenge: Challenge, code_challenge_method: z.literal("S256").default("S256") }).meta({ id: "CliAuthStartRequest" });

export const StartedCliLoginView = z.object({ auth_url: z.string(), code: z.string() }).meta({ id: "CliAuthStartResponse" });

/** Any text: what is no code of ours waits like one that nobody confirmed yet. */
export const CliLoginRef = z.object({ code: z.string() });

export const PollCliLoginBody = z.object({ code_verifier: z.string().min(1).max(256).nullish(), code_challenge: z.string().nullish() }).meta({ id: "CliAuthPollRequest" });

const PendingView = z.object({ status: z.literal("pending") }).meta({ id: "CliAuthPollPending" });

const CompleteView = z
  .object({
    status: z.literal("complete"),
    access_token: z.string(),
    /** The Matrix id: published CLIs read a name out of it. */
    user_id: z.string(),
    expires_at: z.iso.datetime(),
    instance_id: z.null(),
  })
  .meta({ id: "CliAuthPollComplete" });

export const PolledCliLoginView = z.discriminatedUnion("status", [PendingView, CompleteView]).meta({ id: "CliAuthPollResponse" });

export const CompleteCliLoginBody = z.object({ code: Challenge, access_token: z.string().min(1).max(8_192) }).meta({ id: "CliAuthCallbackRequest" });

export const CompletedCliLoginView = z.object({ success: z.boolean() }).meta({ id: "CliAuthCallbackResponse" });

/** What waits, sealed, for the CLI to pick it up. */
export const SealedLogin = z.object({ token: z.string(), userId: z.string(), expiresAt: z.string() });
