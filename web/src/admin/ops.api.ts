/** The calls about the server's own work, one function each. */
import { api, unwrap } from "../api/client";
import type { AuditFilter } from "./ops/audit-filter.core";
import type { NewGate } from "./admin.types";

const LIMIT = 50;
const at = (cursor: string | null) => ({ limit: LIMIT, ...(cursor ? { cursor } : {}) });

export const getLag = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/lag", { signal }));
export const getStats = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/stats", { signal }));
export const listCronJobs = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/cron", { signal })).jobs;
export const listCronRuns = async (job: string, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/cron/{job}", { params: { path: { job }, query: { limit: 100 } }, signal })).runs;
export const listCronFailures = async (cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/cron-failures", { params: { query: at(cursor) }, signal }));

export const listDeadLetters = async (cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/dead-letters", { params: { query: at(cursor) }, signal }));
export const retryDeadLetter = async (letter_id: string) => unwrap(await api.POST("/api/v1/admin/ops/dead-letters/{letter_id}/retry", { params: { path: { letter_id } } }));
export const dropDeadLetter = async (letter_id: string) => unwrap(await api.DELETE("/api/v1/admin/ops/dead-letters/{letter_id}", { params: { path: { letter_id } } }));
export const listEffects = async (state: "parked" | "pending", cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/outbox", { params: { query: { state, ...at(cursor) } }, signal }));
export const retryEffect = async (effect_id: string) => unwrap(await api.POST("/api/v1/admin/ops/outbox/{effect_id}/retry", { params: { path: { effect_id } } }));
export const dropEffect = async (effect_id: string) => unwrap(await api.DELETE("/api/v1/admin/ops/outbox/{effect_id}", { params: { path: { effect_id } } }));

export const listFindings = async (state: "open" | "resolved", cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/findings", { params: { query: { state, ...at(cursor) } }, signal }));

export const listGates = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/gates", { signal })).gates;
export const setGate = async (key: string, body: NewGate) => unwrap(await api.PUT("/api/v1/admin/ops/gates/{key}", { params: { path: { key } }, body }));
export const unsetGate = async (key: string) => unwrap(await api.DELETE("/api/v1/admin/ops/gates/{key}", { params: { path: { key } } }));

export const searchAudit = async (filter: AuditFilter, cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/audit", { params: { query: { ...filter, ...at(cursor) } }, signal }));

export const getKeys = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/keys", { signal }));
export const listReseals = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/ops/keys/reseal", { params: { query: { limit: 10 } }, signal })).runs;
export const startReseal = async () => unwrap(await api.POST("/api/v1/admin/ops/keys/reseal"));
