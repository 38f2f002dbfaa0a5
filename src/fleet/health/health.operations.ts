import { operation } from "../../kernel/operation";
import { getDbHealth, getHealth, getJwks, getObjectsHealth, getPushHealth, getRoot, getSealingHealth } from "./health.queries";
import { DbHealthView, HealthView, JwksView, KmsHealthView, PushHealthView, RedisHealthView, RootView } from "./health.schemas";

const open = { method: "get", tag: "health", auth: ["none"], limit: "public" } as const;

export const operations = [
  operation({ ...open, id: "fleet.health.getRoot", path: "/", summary: "What answers here", output: RootView }).handle((_input, ctx) => getRoot(ctx)),
  operation({ ...open, id: "fleet.health.get", path: "/health", summary: "Whether the service runs", output: HealthView }).handle((_input, ctx) => getHealth(ctx)),
  operation({ ...open, id: "fleet.health.getDb", path: "/health/db", summary: "Whether the database answers", output: DbHealthView }).handle((_input, ctx) => getDbHealth(ctx)),
  operation({ ...open, id: "fleet.health.getKms", path: "/health/kms", summary: "Whether values can be sealed at rest", output: KmsHealthView }).handle((_input, ctx) => getSealingHealth(ctx)),
  operation({ ...open, id: "fleet.health.getRedis", path: "/health/redis", summary: "Whether live state answers", output: RedisHealthView }).handle((_input, ctx) => getObjectsHealth(ctx)),
  operation({ ...open, id: "fleet.health.getPush", path: "/health/push", summary: "Whether the push gateway answers", output: PushHealthView }).handle((_input, ctx) => getPushHealth(ctx)),
  operation({ ...open, id: "fleet.health.getJwks", path: "/.well-known/jwks.json", summary: "Public keys of access tokens", output: JwksView }).handle((_input, ctx) => getJwks(ctx)),
];
