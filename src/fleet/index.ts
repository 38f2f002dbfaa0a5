import type { FeatureEntry } from "../kernel/operation";

/** The fleet family: which feature serves which paths. Each loads on the first request that needs it. */
export const fleetFeatures: readonly FeatureEntry[] = [
  { name: "health", prefixes: ["/", "/health", "/.well-known/jwks.json"], load: () => import("./health/health.operations") },
  { name: "mailbox", prefixes: ["/dev/mailbox"], load: () => import("./mailbox/mailbox.operations") },
  { name: "accounts", prefixes: ["/api/v1/user/signup", "/api/v1/user/profile"], load: () => import("./accounts/accounts.operations") },
  { name: "sessions", prefixes: ["/api/v1/user/login", "/api/v1/user/logout", "/api/v1/user/token", "/api/v1/user/sessions"], load: () => import("./sessions/sessions.operations") },
  { name: "cli-tokens", prefixes: ["/api/v1/user/cli-tokens"], load: () => import("./cli-tokens/cli-tokens.operations") },
  { name: "cli-logins", prefixes: ["/api/v1/openclaw/cli"], load: () => import("./cli-logins/cli-logins.operations") },
  { name: "instances", prefixes: ["/api/v1/openclaw/register", "/api/v1/openclaw/status", "/api/v1/openclaw/instances"], load: () => import("./instances/instances.operations") },
  { name: "streams", prefixes: ["/api/v1/openclaw/events", "/api/v1/openclaw/socket", "/api/v1/dashboard/events"], load: () => import("./streams/streams.operations") },
  {
    name: "machines",
    prefixes: ["/api/v1/dashboard/heartbeat", "/api/v1/dashboard/disconnect", "/api/v1/dashboard/overview", "/api/v1/dashboard/machines"],
    load: () => import("./machines/machines.operations"),
  },
  { name: "commands", prefixes: ["/api/v1/dashboard/commands", "/api/v1/dashboard/gateway"], load: () => import("./commands/commands.operations") },
  { name: "versions", prefixes: ["/api/v1/dashboard/versions"], load: () => import("./versions/versions.operations") },
];
