import { z } from "zod";
import { iso } from "../../kernel/clock";
import { GRANT_SCOPES } from "../grants";
import type { Selector } from "./session-scopes.core";
import type { SessionScope } from "./session-scopes.store";

const MAX_SELECTORS = 500;

export const SessionRef = z.object({ sessionKey: z.string().min(1).max(255) });

const SelectorView = z.object({ scope: z.enum(GRANT_SCOPES), payloadId: z.string() }).meta({ id: "ScopeSelector" });

/** Selectors that are none are passed over, as published clients expect, so they are read by the rules instead of here. */
export const BindScopeBody = z
  .object({
    principal: z.string().trim().min(1).max(255),
    scopes: z.array(z.unknown()).min(1).max(MAX_SELECTORS).meta({ items: { type: "object", properties: { scope: { type: "string", enum: [...GRANT_SCOPES] }, payloadId: { type: "string" } }, required: ["scope", "payloadId"] } }),
  })
  .meta({ id: "BindSessionScopeRequest" });

const bound = { sessionKey: z.string(), principal: z.string(), scopes: z.array(SelectorView), createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() };

/** `scopes` is what was granted when it was bound; `effectiveScopes` is what of it the grants of this moment still allow. */
export const SessionScopeView = z.object({ ...bound, effectiveScopes: z.array(SelectorView) }).meta({ id: "SessionScope" });

export const BoundScopeView = z.object({ ...bound, rejected: z.array(SelectorView) }).meta({ id: "BoundSessionScope" });

export const ClearedScopeView = z.object({ sessionKey: z.string(), cleared: z.literal(true) }).meta({ id: "ClearedSessionScope" });

const toBound = ({ sessionKey, principal, scopes, createdAt, updatedAt }: Omit<SessionScope, "version">) => ({ sessionKey, principal, scopes: [...scopes], createdAt: iso(createdAt), updatedAt: iso(updatedAt) });

export const toBoundScopeView = (row: Omit<SessionScope, "version">, rejected: readonly Selector[]): z.input<typeof BoundScopeView> => ({ ...toBound(row), rejected: [...rejected] });

export const toSessionScopeView = (row: SessionScope, effectiveScopes: readonly Selector[]): z.input<typeof SessionScopeView> => ({ ...toBound(row), effectiveScopes: [...effectiveScopes] });
