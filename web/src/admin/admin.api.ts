/** The calls about people, machines and bots that the administrators' pages make, one function each. */
import { api, unwrap } from "../api/client";
import type { PeopleFilter } from "./people/people-filter.core";

const userPath = (user_id: number) => ({ params: { path: { user_id } } });

export const getAdminProfile = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/profile", { signal }));

export const PEOPLE_PER_PAGE = 50;
export const listPeople = async ({ q, page, status, role, verified }: PeopleFilter, signal: AbortSignal) =>
  unwrap(
    await api.GET("/api/v1/admin/users", {
      params: { query: { page, per_page: PEOPLE_PER_PAGE, ...(q ? { search: q } : {}), ...(status ? { status } : {}), ...(role ? { role } : {}), ...(verified ? { verified: verified === "yes" } : {}) } },
      signal,
    }),
  );
export const getPerson = async (id: number, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/users/{user_id}", { ...userPath(id), signal }));
export const getSecurity = async (id: number, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/users/{user_id}/security", { ...userPath(id), signal }));
export const getPersonUsage = async (id: number, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/users/{user_id}/usage", { ...userPath(id), signal }));
/** Null: nothing is to be chosen. */
export const findPersonDowngrade = async (id: number, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/users/{user_id}/downgrade-preview", { ...userPath(id), signal }));
export const listPlans = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/plans", { signal })).plans;

export const activatePerson = async (id: number) => unwrap(await api.POST("/api/v1/admin/users/{user_id}/activate", userPath(id)));
export const deactivatePerson = async (id: number) => unwrap(await api.POST("/api/v1/admin/users/{user_id}/deactivate", userPath(id)));
export const setPersonPassword = async (id: number, new_password: string) => unwrap(await api.POST("/api/v1/admin/users/{user_id}/reset-password", { ...userPath(id), body: { new_password } }));
export const signPersonOut = async (id: number) => unwrap(await api.POST("/api/v1/admin/users/{user_id}/sign-out-all", userPath(id)));
export const raisePlan = async (id: number, to_plan: string) => unwrap(await api.POST("/api/v1/admin/users/{user_id}/subscription/upgrade", { ...userPath(id), body: { to_plan } }));
export const lowerPlan = async (id: number, to_plan: string) => unwrap(await api.POST("/api/v1/admin/users/{user_id}/subscription/downgrade", { ...userPath(id), body: { to_plan, force_immediate: false } }));
export const cancelDowngrade = async (user_id: number, request_id: string) => unwrap(await api.DELETE("/api/v1/admin/users/{user_id}/downgrade-requests/{request_id}", { params: { path: { user_id, request_id } } }));
export const removePerson = async (user_id: number, confirm_email: string) => unwrap(await api.DELETE("/api/v1/admin/users/{user_id}", { params: { path: { user_id }, query: { confirm_email } } }));

const LIST_LIMIT = 50;
const pageQuery = (search: string, cursor: string | null) => ({ limit: LIST_LIMIT, ...(search ? { search } : {}), ...(cursor ? { cursor } : {}) });

export const listMachines = async (search: string, cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/openclaw/instances", { params: { query: pageQuery(search, cursor) }, signal }));
export const listBots = async (search: string, cursor: string | null, signal: AbortSignal) => unwrap(await api.GET("/api/v1/admin/bots", { params: { query: pageQuery(search, cursor) }, signal }));
export const inspectMachine = async (user_id: number, instance_id: string, signal: AbortSignal) =>
  unwrap(await api.GET("/api/v1/admin/ops/objects/accounts/{user_id}/instances/{instance_id}", { params: { path: { user_id, instance_id } }, signal }));
