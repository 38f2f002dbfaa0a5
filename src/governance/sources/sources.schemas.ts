import { z } from "zod";
import { iso, utcIso } from "../../kernel/clock";
import { MAX_CATALOG_ITEMS, MAX_METADATA_BYTES } from "../../kernel/ports/source-catalogs";
import { ITEM_KINDS, ITEM_STATUSES, MAX_INTERVAL_MINUTES, MIN_INTERVAL_MINUTES, SOURCE_KINDS, SOURCE_STATUSES, SYNC_MODES } from "./sources.core";
import type { Item, Source } from "./sources.store";

const Name = z.string().trim().min(1).max(120);
const Url = z.string().trim().min(1).max(2_048);
const Kind = z.enum(SOURCE_KINDS);
const Status = z.enum(SOURCE_STATUSES);
const Time = z
  .string()
  .max(40)
  .refine((text) => utcIso(text) !== null, "Must be a time in ISO 8601")
  .transform((text) => Date.parse(utcIso(text) ?? text));

const ItemBody = z.object({
  kind: z.enum(ITEM_KINDS),
  name: z.string().trim().min(1).max(255),
  upstreamId: z.string().trim().min(1).max(512),
  version: z.string().trim().min(1).max(128).nullish(),
  digest: z.string().trim().min(1).max(255).nullish(),
  metadata: z
    .record(z.string().max(255), z.unknown())
    .refine((facts) => JSON.stringify(facts).length <= MAX_METADATA_BYTES, `At most ${MAX_METADATA_BYTES} characters of JSON`)
    .nullish(),
});

const common = {
  syncMode: z.enum(SYNC_MODES),
  lastSyncedAt: Time.nullish(),
  nextRunAt: Time.nullish(),
  notes: z.string().trim().max(2_000).nullish(),
  syncIntervalMinutes: z.int().min(MIN_INTERVAL_MINUTES).max(MAX_INTERVAL_MINUTES).optional(),
  items: z.array(ItemBody).max(MAX_CATALOG_ITEMS).default([]),
};

/** Both vocabularies: `type`, `url`, `syncStatus` are `kind`, `originUrl`, `status`. */
const names = { kind: Kind.optional(), type: Kind.optional(), originUrl: Url.optional(), url: Url.optional(), status: Status.optional(), syncStatus: Status.optional() };

export const CreateSourceBody = z
  .object({ name: Name, ...names, ...common, syncMode: common.syncMode.default("manual") })
  .refine(({ kind, type }) => kind !== undefined || type !== undefined, { path: ["kind"], message: "Field required" })
  .refine(({ originUrl, url }) => originUrl !== undefined || url !== undefined, { path: ["originUrl"], message: "Field required" })
  .meta({ id: "CreateThirdPartySourceRequest" });

/** What is absent stays, except items that callers wrote: they are always replaced, so that absent means none. Items that a sync found stay. */
export const UpdateSourceBody = z
  .object({ name: Name.optional(), ...names, ...common, syncMode: common.syncMode.optional() })
  .meta({ id: "UpdateThirdPartySourceRequest" });

export const SourceRef = z.object({ id: z.string().min(1).max(64) });
export const ItemRef = z.object({ id: z.string().min(1).max(64), itemId: z.string().min(1).max(64) });

const ItemView = z
  .object({
    id: z.string(),
    kind: z.enum(ITEM_KINDS),
    name: z.string(),
    upstreamId: z.string(),
    version: z.string().optional(),
    digest: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    status: z.enum(ITEM_STATUSES),
    installedId: z.string().optional(),
  })
  .meta({ id: "ThirdPartySourceItem" });

export const SourceView = z
  .object({
    id: z.string(),
    name: z.string(),
    type: Kind,
    kind: Kind,
    url: z.string(),
    originUrl: z.string(),
    syncStatus: Status,
    status: Status,
    syncMode: z.enum(SYNC_MODES),
    syncIntervalMinutes: z.int(),
    managedItemCount: z.int(),
    items: z.array(ItemView),
    lastSyncedAt: z.iso.datetime().optional(),
    nextRunAt: z.iso.datetime().optional(),
    notes: z.string().optional(),
    syncError: z.string().optional(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "ThirdPartySource" });

export const SourceListView = z.array(SourceView).meta({ id: "ThirdPartySourceList" });
export const CreatedSourceView = z.object({ id: z.string(), status: z.literal("created") }).meta({ id: "CreatedThirdPartySource" });
export const UpdatedSourceView = z.object({ id: z.string(), status: z.literal("updated") }).meta({ id: "UpdatedThirdPartySource" });
export const DeletedSourceView = z.object({ id: z.string(), status: z.literal("deleted") }).meta({ id: "DeletedThirdPartySource" });
export const RequestedSyncView = z.object({ id: z.string(), status: z.literal("queued") }).meta({ id: "RequestedSourceSync" });
export const DecidedItemView = z.object({ sourceId: z.string(), item: ItemView }).meta({ id: "DecidedSourceItem" });

export const toItemView = (item: Item): z.input<typeof ItemView> => ({
  id: item.id,
  kind: item.kind,
  name: item.name,
  upstreamId: item.upstreamId,
  ...(item.release === null ? {} : { version: item.release }),
  ...(item.digest === null ? {} : { digest: item.digest }),
  ...(item.metadata === null ? {} : { metadata: { ...item.metadata } }),
  status: item.status,
  ...(item.installedId === null ? {} : { installedId: item.installedId }),
});

export const toSourceView = (source: Source, items: readonly Item[], count: number): z.input<typeof SourceView> => ({
  id: source.id,
  name: source.name,
  type: source.kind,
  kind: source.kind,
  url: source.originUrl,
  originUrl: source.originUrl,
  syncStatus: source.status,
  status: source.status,
  syncMode: source.syncMode,
  syncIntervalMinutes: source.syncIntervalMinutes,
  managedItemCount: count,
  items: items.map(toItemView),
  ...(source.lastSyncedAt === null ? {} : { lastSyncedAt: iso(source.lastSyncedAt) }),
  ...(source.nextRunAt === null ? {} : { nextRunAt: iso(source.nextRunAt) }),
  ...(source.notes === null ? {} : { notes: source.notes }),
  ...(source.syncError === null ? {} : { syncError: source.syncError }),
  createdAt: iso(source.createdAt),
  updatedAt: iso(source.updatedAt),
});
