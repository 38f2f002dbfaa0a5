import { z } from "zod";
import type { FeedInspection } from "../../../durable-objects/account-feed/account-feed.rpc";
import type { InstanceInspection } from "../../../durable-objects/instance/instance.rpc";
import { iso, isoOrNull } from "../../kernel/clock";
import type { InspectedInstance } from "./objects.store";

export const InspectInstanceRef = z.object({ user_id: z.coerce.number().int().min(1), instance_id: z.string().min(1).max(255) });
export const InspectAccountRef = z.object({ user_id: z.coerce.number().int().min(1) });

/** Raw parts of an object under the names that they have there; their shape may change with any release. */
const Raw = z.record(z.string(), z.unknown());
const Time = z.iso.datetime();
const Entry = z.object({ id: z.int(), at: Time, data: Raw });

const InstanceObject = z.object({
  registration: Raw,
  state: Raw,
  live: Raw,
  flushed_at: Time,
  unannounced: z.boolean(),
  projected_online: z.boolean().nullable(),
  samples: z.int(),
  link: z.object({ kind: z.enum(["socket", "sse", "none"]), since: Time.nullable() }),
  governance: Raw.nullable(),
  tokens: z.array(z.object({ id: z.string(), cut: z.enum(["revoked", "unbound"]).nullable() })),
  alarms: z.array(z.object({ reason: z.string(), due_at: Time, overdue: z.boolean() })),
  commands: z.array(Raw),
  events: z.array(Entry),
  history: z.array(z.object({ id: z.int(), type: z.string(), at: Time, data: Raw })),
});

export const InstanceInspectionView = z
  .object({
    user_id: z.int(),
    instance_id: z.string(),
    /** What D1 has. */
    row: z.object({
      label: z.string().nullable(),
      provider: z.string().nullable(),
      online: z.boolean(),
      online_changed_at: Time.nullable(),
      archived_at: Time.nullable(),
      plan_disabled_at: Time.nullable(),
      created_at: Time,
      updated_at: Time,
    }),
    /** What its object has; null when the object knows no such machine, which only a purge under way explains. */
    object: InstanceObject.nullable(),
  })
  .meta({ id: "InstanceInspection" });

export const FeedInspectionView = z
  .object({
    user_id: z.int(),
    overview: Raw,
    unpaired_bots: z.int(),
    machines: z.array(z.object({ instance_id: z.string(), seq: z.int(), as_of: Time.nullable(), summary: Raw })),
    streams: z.object({ dashboard: z.int(), sse: z.int() }),
    dashboard_events: z.array(Entry),
    machine_events: z.array(Entry),
  })
  .meta({ id: "AccountFeedInspection" });

export const toInstanceView = (row: InspectedInstance, object: InstanceInspection | null): z.input<typeof InstanceInspectionView> => ({
  user_id: row.tenantId,
  instance_id: row.instanceId,
  row: {
    label: row.label,
    provider: row.provider,
    online: row.online,
    online_changed_at: row.onlineChangedAt === 0 ? null : isoOrNull(row.onlineChangedAt),
    archived_at: isoOrNull(row.archivedAt),
    plan_disabled_at: isoOrNull(row.planDisabledAt),
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  },
  object: object && {
    registration: { ...object.registration },
    state: { ...object.state },
    live: { ...object.live },
    flushed_at: object.flushedAt,
    unannounced: object.unannounced,
    projected_online: object.projectedOnline,
    samples: object.samples,
    link: object.link,
    governance: object.governance && { ...object.governance },
    tokens: [...object.tokens],
    alarms: object.alarms.map(({ reason, dueAt, overdue }) => ({ reason, due_at: dueAt, overdue })),
    commands: [...object.commands],
    events: [...object.events],
    history: [...object.history],
  },
});

export const toFeedView = (userId: number, feed: FeedInspection): z.input<typeof FeedInspectionView> => ({
  user_id: userId,
  overview: { ...feed.overview },
  unpaired_bots: feed.unpairedBots,
  machines: feed.machines.map(({ instanceId, seq, asOf, summary }) => ({ instance_id: instanceId, seq, as_of: asOf, summary })),
  streams: feed.streams,
  dashboard_events: [...feed.dashboardEvents],
  machine_events: [...feed.machineEvents],
});
