import type { LinkIdentity } from "../kernel/auth/external-identity";
import type { Family } from "../kernel/family";
import type { FeatureEntry } from "../kernel/operation";
import { fleetTags } from "./tags";
import { fleetWire } from "./wire";
import { fleetCrons, fleetEffects, fleetJobs, fleetPromptEffects } from "./work";

/** Which feature serves which paths. Each loads on the first request that needs it. */
const fleetFeatures: readonly FeatureEntry[] = [
  { name: "health", prefixes: ["/", "/health", "/.well-known/jwks.json"], load: () => import("./health/health.operations") },
  { name: "mailbox", prefixes: ["/dev/mailbox"], load: () => import("./mailbox/mailbox.operations") },
  {
    name: "accounts",
    prefixes: [
      "/api/v1/user/signup",
      "/api/v1/user/profile",
      "/api/v1/user/username/check",
      "/api/v1/user/email-availability",
      "/api/v1/user/phone-availability",
      "/api/v1/user/delete-account",
      "/api/v1/user/self-deactivate",
    ],
    load: () => import("./accounts/accounts.operations"),
  },
  { name: "passwords", prefixes: ["/api/v1/user/forgot-password", "/api/v1/user/reset-password"], load: () => import("./passwords/passwords.operations") },
  // Its paths begin with a person's id; whatever is more special has a longer prefix above.
  { name: "recovery-keys", prefixes: ["/api/v1/user"], load: () => import("./recovery-keys/recovery-keys.operations") },
  { name: "matrix-login", prefixes: ["/api/v1/auth/matrix-login"], load: () => import("./matrix-login/matrix-login.operations") },
  { name: "sessions", prefixes: ["/api/v1/user/login", "/api/v1/user/logout", "/api/v1/user/token", "/api/v1/user/sessions"], load: () => import("./sessions/sessions.operations") },
  { name: "cli-tokens", prefixes: ["/api/v1/user/cli-tokens"], load: () => import("./cli-tokens/cli-tokens.operations") },
  { name: "cli-logins", prefixes: ["/api/v1/openclaw/cli"], load: () => import("./cli-logins/cli-logins.operations") },
  { name: "instances", prefixes: ["/api/v1/openclaw/register", "/api/v1/openclaw/status", "/api/v1/openclaw/instances"], load: () => import("./instances/instances.operations") },
  {
    // Paths of three features begin with a bot's id. Those with a fixed word in its place come first.
    name: "bots",
    prefixes: ["/api/v1/bots"],
    load: async () => {
      const features = await Promise.all([import("./bot-rooms/bot-rooms.operations"), import("./bot-shares/bot-shares.operations"), import("./bots/bots.operations")]);
      return { operations: features.flatMap(({ operations }) => operations) };
    },
  },
  { name: "cross-bot", prefixes: ["/api/v1/bots/cross-bot"], load: () => import("./cross-bot/cross-bot.operations") },
  { name: "pairings", prefixes: ["/api/v1/pairing", "/api/v1/openclaw/pending-pairs"], load: () => import("./pairings/pairings.operations") },
  { name: "cli-bots", prefixes: ["/api/v1/openclaw/bots", "/api/v1/openclaw/provision"], load: () => import("./cli-bots/cli-bots.operations") },
  { name: "streams", prefixes: ["/api/v1/openclaw/events", "/api/v1/openclaw/socket", "/api/v1/dashboard/events"], load: () => import("./streams/streams.operations") },
  {
    name: "machines",
    prefixes: ["/api/v1/dashboard/heartbeat", "/api/v1/dashboard/disconnect", "/api/v1/dashboard/overview", "/api/v1/dashboard/machines"],
    load: () => import("./machines/machines.operations"),
  },
  { name: "bot-status", prefixes: ["/api/v1/dashboard/bots", "/api/v1/me/bot-dashboard"], load: () => import("./bot-status/bot-status.operations") },
  { name: "commands", prefixes: ["/api/v1/dashboard/commands", "/api/v1/dashboard/gateway"], load: () => import("./commands/commands.operations") },
  { name: "skills", prefixes: ["/api/v1/dashboard/skills"], load: () => import("./skills/skills.operations") },
  { name: "hermes", prefixes: ["/api/v1/hermes"], load: () => import("./hermes/hermes.operations") },
  { name: "bot-shares", prefixes: ["/api/v1/me/shared-bots", "/api/v1/me/active-shares"], load: () => import("./bot-shares/my-shares.operations") },
  { name: "versions", prefixes: ["/api/v1/dashboard/versions", "/api/v1/admin/supported-versions"], load: () => import("./versions/versions.operations") },
  {
    name: "uploads",
    prefixes: ["/api/v1/upload-url", "/api/v1/upload", "/api/v1/admin/verification-document-url", "/files"],
    load: () => import("./uploads/uploads.operations"),
  },
  { name: "push-devices", prefixes: ["/api/v1/push"], load: () => import("./push-devices/push-devices.operations") },
  { name: "push-gateway", prefixes: ["/_matrix/push/v1"], load: () => import("./push-gateway/push-gateway.operations") },
  { name: "notifications", prefixes: ["/api/v1/notifications", "/api/v1/admin/notifications"], load: () => import("./notifications/notifications.operations") },
  { name: "app-versions", prefixes: ["/api/v1/version"], load: () => import("./app-versions/app-versions.operations") },
  { name: "support-reports", prefixes: ["/api/v1/support", "/api/v1/admin/support"], load: () => import("./support-reports/support-reports.operations") },
  { name: "apple-purchases", prefixes: ["/api/v1/subscription/apple/validate"], load: () => import("./apple-purchases/apple-purchases.operations") },
  { name: "apple-notifications", prefixes: ["/api/v1/subscription/apple/notifications"], load: () => import("./apple-notifications/apple-notifications.operations") },
  {
    // What pays for a cloud machine, and how it comes to be, begin with the same words.
    name: "cloud-vms",
    prefixes: ["/api/v1/openclaw/cloud-vm"],
    load: async () => {
      const features = await Promise.all([import("./vm-addons/vm-addons.operations"), import("./cloud-vms/cloud-vms.operations"), import("./cloud-vms/events.operations")]);
      return { operations: features.flatMap(({ operations }) => operations) };
    },
  },
  { name: "trials", prefixes: ["/api/v1/trial", "/api/v1/device-check"], load: () => import("./trials/trials.operations") },
  { name: "featured-rooms", prefixes: ["/api/v1/featured-rooms", "/api/v1/admin/featured-rooms"], load: () => import("./featured-rooms/featured-rooms.operations") },
  {
    // Which rooms are featured is told below a room's id as well.
    name: "matrix-admin",
    prefixes: ["/api/v1/admin/matrix"],
    load: async () => {
      const features = await Promise.all([import("./matrix-admin/matrix-admin.operations"), import("./featured-rooms/room-feature.operations")]);
      return { operations: features.flatMap(({ operations }) => operations) };
    },
  },
  { name: "subscriptions", prefixes: ["/api/v1/subscription"], load: () => import("./subscriptions/subscriptions.operations") },
  { name: "payments", prefixes: ["/api/v1/subscription/payments"], load: () => import("./payments/payments.operations") },
  { name: "webhooks", prefixes: ["/api/v1/subscription/webhook"], load: () => import("./webhooks/webhooks.operations") },
  { name: "plans", prefixes: ["/api/v1/subscription/pricing", "/api/v1/subscription/plans"], load: () => import("./plans/plans.operations") },
  { name: "capabilities", prefixes: ["/api/v1/me/capabilities"], load: () => import("./capabilities/capabilities.operations") },
  { name: "usage", prefixes: ["/api/v1/me/usage", "/api/v1/admin/usage"], load: () => import("./usage/usage.operations") },
  {
    name: "plan-admin",
    prefixes: ["/api/v1/admin/plans", "/api/v1/admin/plan-features", "/api/v1/admin/features", "/api/v1/admin/subscription-addons"],
    load: () => import("./plan-admin/plan-admin.operations"),
  },
  {
    name: "downgrades",
    prefixes: ["/api/v1/me/subscription/downgrade", "/api/v1/me/downgrade-requests", "/api/v1/admin/downgrade-requests", "/api/v1/admin/over-capacity"],
    load: () => import("./downgrades/downgrades.operations"),
  },
  { name: "upgrades", prefixes: ["/api/v1/me/upgrade-requests"], load: () => import("./upgrades/upgrades.operations") },
  {
    // What administrators ask and do about one person is the business of many features.
    name: "admin-users",
    prefixes: ["/api/v1/admin/users"],
    load: async () => {
      const features = await Promise.all([
        import("./admin-users/admin-users.operations"),
        import("./admin-user-access/user-access.operations"),
        import("./admin-user-matrix/admin-user-matrix.operations"),
        import("./user-removal/user-removal.operations"),
        import("./usage/user-usage.operations"),
        import("./capabilities/user-capabilities.operations"),
        import("./downgrades/user-downgrades.operations"),
      ]);
      return { operations: features.flatMap(({ operations }) => operations) };
    },
  },
  { name: "ops-dead-letters", prefixes: ["/api/v1/admin/ops/dead-letters"], load: () => import("./ops-dead-letters/dead-letters.operations") },
  { name: "ops-outbox", prefixes: ["/api/v1/admin/ops/outbox"], load: () => import("./ops-outbox/outbox.operations") },
  {
    name: "ops-runs",
    prefixes: ["/api/v1/admin/ops/lag", "/api/v1/admin/ops/cron", "/api/v1/admin/ops/cron-failures", "/api/v1/admin/ops/findings"],
    load: () => import("./ops-runs/runs.operations"),
  },
  { name: "ops-objects", prefixes: ["/api/v1/admin/ops/objects"], load: () => import("./ops-objects/objects.operations") },
  { name: "ops-gates", prefixes: ["/api/v1/admin/ops/gates"], load: () => import("./ops-gates/gates.operations") },
  { name: "ops-keys", prefixes: ["/api/v1/admin/ops/keys"], load: () => import("./ops-keys/keys.operations") },
  { name: "ops-audit", prefixes: ["/api/v1/admin/ops/audit"], load: () => import("./ops-audit/audit.operations") },
  { name: "admin-sessions", prefixes: ["/api/v1/admin/login", "/api/v1/admin/refresh", "/api/v1/admin/profile", "/api/v1/admin/logout"], load: () => import("./admin-sessions/admin-sessions.operations") },
  { name: "administrators", prefixes: ["/api/v1/admin/ops/admins"], load: () => import("./administrators/administrators.operations") },
  { name: "admin-stats", prefixes: ["/api/v1/admin/stats"], load: () => import("./admin-stats/admin-stats.operations") },
  { name: "admin-bots", prefixes: ["/api/v1/admin/bots"], load: () => import("./admin-bots/admin-bots.operations") },
  {
    name: "admin-instances",
    prefixes: ["/api/v1/admin/openclaw/instances", "/api/v1/admin/instance-fingerprint-collisions"],
    load: () => import("./admin-instances/admin-instances.operations"),
  },
  { name: "admin-jobs", prefixes: ["/api/v1/admin/jobs"], load: () => import("./admin-jobs/admin-jobs.operations") },
  { name: "compat-runs", prefixes: ["/api/v1/admin/compat-runs"], load: () => import("./compat-runs/compat-runs.operations") },
  { name: "debug", prefixes: ["/debug", "/test-ios", "/test/recovery-key"], load: () => import("./debug/debug.operations") },
  { name: "assistant", prefixes: ["/api/v1/assistant"], load: () => import("./assistant/assistant.operations") },
];

/** The account of somebody whom an outside issuer vouches for, at their first request. */
export const linkIdentity: LinkIdentity = async (ctx, identity) => (await import("./identities")).linkIdentity(ctx, identity);

/** Machines that are alive, paired, updated and paid for. */
export const fleet: Family = {
  name: "fleet",
  title: "Sett fleet API",
  features: fleetFeatures,
  documentPath: "/openapi.json",
  tags: fleetTags,
  wire: fleetWire,
  jobs: fleetJobs,
  effects: fleetEffects,
  promptEffects: fleetPromptEffects,
  sealedColumns: async () => (await import("./ops-keys")).sealedColumns,
  crons: fleetCrons,
};
