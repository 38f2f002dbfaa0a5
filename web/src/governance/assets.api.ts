/** The calls about money, the catalogue and access, one function each. */
import { governanceApi as api, take } from "./client";
import type { McpServer, NewGroup, ProviderKey, SkillBundle } from "./governance.types";
import { asGrantRequests } from "./catalogue/catalogue.core";

const ofId = (id: string) => ({ params: { path: { id } } });

export const getGlobalBudget = async (signal: AbortSignal) => take(await api.GET("/api/v1/ai-budget/global", { signal }));
export const setGlobalBudget = async (monthlyLimitUsd: number | null) => take(await api.PUT("/api/v1/ai-budget/global", { body: { monthlyLimitUsd } }));
export const listAccountBudgets = async (signal: AbortSignal) => take(await api.GET("/api/v1/ai-budget/accounts", { signal }));
export const setAccountBudget = async (userId: string, monthlyLimitUsd: number) => take(await api.PUT("/api/v1/ai-budget/accounts/{userId}", { params: { path: { userId } }, body: { monthlyLimitUsd } }));
export const removeAccountBudget = async (userId: string) => take(await api.DELETE("/api/v1/ai-budget/accounts/{userId}", { params: { path: { userId } } }));

export const USAGE_LIMIT = 1_000;
export const listUsage = async (signal: AbortSignal) => take(await api.GET("/api/v1/token-usage", { params: { query: { limit: USAGE_LIMIT } }, signal }));

export const listProviderKeys = async (signal: AbortSignal) => take(await api.GET("/api/v1/providers/keys", { signal }));
export const setProviderKey = async (provider: ProviderKey["provider"], apiKey: string) => take(await api.PUT("/api/v1/providers/keys/{provider}", { params: { path: { provider } }, body: { apiKey } }));
export const removeProviderKey = async (provider: ProviderKey["provider"]) => take(await api.DELETE("/api/v1/providers/keys/{provider}", { params: { path: { provider } } }));

export const listServers = async (signal: AbortSignal) => take(await api.GET("/api/v1/mcp-servers", { signal }));
/** Grants and credentials go along: a change without them would take them away. */
export const setServerStatus = async (server: McpServer, status: McpServer["status"]) =>
  take(
    await api.PUT("/api/v1/mcp-servers/{id}", {
      ...ofId(server.id),
      body: { status, grants: asGrantRequests(server.grants), credentials: server.credentials.map(({ displayName, brokeringMode, secretRef }) => ({ displayName, brokeringMode, secretRef })) },
    }),
  );
export const deleteServer = async (id: string) => take(await api.DELETE("/api/v1/mcp-servers/{id}", ofId(id)));

export const listSkills = async (signal: AbortSignal) => take(await api.GET("/api/v1/skills/catalog", { signal }));
export const scanSkill = async (id: string) => take(await api.POST("/api/v1/skills/catalog/{id}/scan", ofId(id)));
/** Grants and promotions go along: a change without them would take them away. */
export const setSkillStatus = async (skill: SkillBundle, status: SkillBundle["stage"]) =>
  take(
    await api.PUT("/api/v1/skills/catalog/{id}", {
      ...ofId(skill.id),
      body: {
        status,
        grants: asGrantRequests(skill.grants),
        promotions: skill.promotions.map(({ fromScope, toScope, promotedBy, status: decided, notes }) => ({ fromScope, toScope, promotedBy, status: decided, ...(notes === undefined ? {} : { notes }) })),
      },
    }),
  );

export const listSources = async (signal: AbortSignal) => take(await api.GET("/api/v1/third-party-sources", { signal }));
export const approveSource = async (id: string) => take(await api.POST("/api/v1/third-party-sources/{id}/approve", ofId(id)));
export const syncSource = async (id: string) => take(await api.POST("/api/v1/third-party-sources/{id}/sync", ofId(id)));
export const decideItem = async (id: string, itemId: string, isApproved: boolean) => {
  const params = { params: { path: { id, itemId } } };
  return take(await (isApproved ? api.POST("/api/v1/third-party-sources/{id}/items/{itemId}/approve", params) : api.POST("/api/v1/third-party-sources/{id}/items/{itemId}/reject", params)));
};

export const listAccessTokens = async (signal: AbortSignal) => take(await api.GET("/api/v1/access-tokens", { signal }));
export const createAccessToken = async (body: { name: string; owner: string; expiresAt: string | null }) => take(await api.POST("/api/v1/access-tokens", { body }));
export const deleteAccessToken = async (id: string) => take(await api.DELETE("/api/v1/access-tokens/{id}", ofId(id)));

export const listGroups = async (signal: AbortSignal) => take(await api.GET("/api/v1/groups", { signal }));
export const createGroup = async (body: NewGroup) => take(await api.POST("/api/v1/groups", { body }));
/** Its grants go along: a change without them would take them away. */
export const changeGroup = async (id: string, { grants, ...body }: NewGroup) => take(await api.PUT("/api/v1/groups/{id}", { ...ofId(id), body: { ...body, grants: grants ?? [] } }));
export const deleteGroup = async (id: string) => take(await api.DELETE("/api/v1/groups/{id}", ofId(id)));
