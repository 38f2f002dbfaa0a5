import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { readOutsideUrl } from "../../kernel/http/outside-url";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { addBundle, BUNDLE_UNIQUE, describeContent, digestKeyOf, findSameBundle, hasStore, MAX_CONTENT_BYTES, sha256Of, storeContent, type SkillContent } from "../skill-bundles";
import { governanceServices } from "../services";
import { isApproved } from "./sources.core";
import { toItemView, type DecidedItemView, type ItemRef } from "./sources.schemas";
import { findItem, findServerFrom, findSource, insertDraftServer, SERVER_UNIQUE, updateItemRow, type Item } from "./sources.store";

type Ref = z.output<typeof ItemRef>;
type View = z.input<typeof DecidedItemView>;

const MAX_SERVER_NAME = 120;
const MAX_SKILL_NAME = 200;
const SHORT = 12;

/**
 * Installs a draft of what was found: a skill, with its content where that can be fetched, or a server. Nobody uses a draft. Repeating it is harmless.
 * @throws THIRD_PARTY_SOURCE_NOT_FOUND, SOURCE_ITEM_NOT_FOUND, SOURCE_NOT_APPROVED, SOURCE_ITEM_GONE, ITEM_NOT_INSTALLABLE, CONFLICT (a server of that name), UPSTREAM_ERROR
 */
export function approveItem(ctx: Ctx, ref: Ref): Promise<View> {
  return retryLostUpdate(async () => {
    const item = await requireItem(ctx, ref);
    if (item.status === "approved") return { sourceId: ref.id, item: toItemView(item) };
    const plan = new Plan(ctx);
    const draft = item.kind === "skill-bundle" ? await draftSkill(ctx, plan, item) : draftServer(ctx, plan, item);
    const decide = (installedId: string) => decideItem(ctx, plan, item, { status: "approved", installedId });
    const view = decide(draft.id);
    try {
      await plan.commit();
      return view;
    } catch (error) {
      const existing = await draft.findExisting(error);
      if (existing === null) throw error;
      // It is there already: only the decision is new.
      const again = new Plan(ctx);
      const linked = decideItem(ctx, again, item, { status: "approved", installedId: existing });
      await again.commit();
      return linked;
    }
  });
}

/** Says no to what was found, now and in later syncs; a draft that was installed before stays. @throws THIRD_PARTY_SOURCE_NOT_FOUND, SOURCE_ITEM_NOT_FOUND, SOURCE_NOT_APPROVED, SOURCE_ITEM_GONE */
export function rejectItem(ctx: Ctx, ref: Ref): Promise<View> {
  return retryLostUpdate(async () => {
    const item = await requireItem(ctx, ref);
    const plan = new Plan(ctx);
    const view = decideItem(ctx, plan, item, { status: "rejected" });
    await plan.commit();
    return view;
  });
}

async function requireItem(ctx: Ctx, ref: Ref): Promise<Item> {
  const [source, item] = await Promise.all([findSource(ctx, ref.id), findItem(ctx, ref.id, ref.itemId)]);
  if (!source) throw refusal("THIRD_PARTY_SOURCE_NOT_FOUND", "Source not found.");
  if (!item) throw refusal("SOURCE_ITEM_NOT_FOUND", "The source offers no such thing.");
  if (!isApproved(source.status)) throw refusal("SOURCE_NOT_APPROVED", "Approve the source first.");
  if (item.status === "gone") throw refusal("SOURCE_ITEM_GONE", "The source does not offer this any more.");
  return item;
}

function decideItem(ctx: Ctx, plan: Plan, item: Item, decision: { readonly status: "approved" | "rejected"; readonly installedId?: string }): View {
  const action = decision.status === "approved" ? "third_party_source.approve_item" : "third_party_source.reject_item";
  plan
    .guarded(updateItemRow(ctx, item, decision))
    .audit(governed({ action, kind: "ThirdPartySource", key: item.sourceId, before: { item: item.id, name: item.name, kind: item.kind, status: item.status }, after: { item: item.id, ...decision } }));
  return { sourceId: item.sourceId, item: toItemView({ ...item, ...decision }) };
}

/** What approving adds, and how to find what was there before it. */
interface Draft {
  readonly id: string;
  /** Answers the id of what `error` says is there already; null when it says something else. */
  readonly findExisting: (error: unknown) => Promise<string | null>;
}

async function draftSkill(ctx: Ctx, plan: Plan, item: Item): Promise<Draft> {
  const contentUrl = textOf(item, "contentUrl");
  const content = contentUrl === null ? null : await fetchContent(ctx, item, contentUrl);
  const digest = content ? `sha256:${content.sha256}` : item.digest;
  if (digest === null || item.name.length > MAX_SKILL_NAME) throw notInstallable("It names neither a digest nor where its content is.");
  if (content && hasStore(ctx)) await storeContent(ctx, plan, content);
  const release = item.release ?? digestKeyOf(digest).slice(0, SHORT);
  const id = addBundle(ctx, plan, { name: item.name, version: release, digest, scope: "org", status: "draft", tags: [], description: textOf(item, "description"), sourceId: item.sourceId, contentUrl });
  return { id, findExisting: async (error) => (isUniqueViolation(error, BUNDLE_UNIQUE) ? ((await findSameBundle(ctx, { name: item.name, release, digestKey: digestKeyOf(digest) }))?.id ?? null) : null) };
}

async function fetchContent(ctx: Ctx, item: Item, contentUrl: string): Promise<SkillContent> {
  if (!readOutsideUrl(contentUrl, ctx.config.environment === "local")) throw notInstallable("The address of its content is not asked.");
  const bytes = await governanceServices(ctx).catalogs.download(contentUrl, MAX_CONTENT_BYTES);
  if (bytes.byteLength === 0) throw notInstallable("Its content is empty.");
  const content = await describeContent(bytes);
  const wanted = item.digest === null ? null : sha256Of(item.digest);
  if (wanted !== null && wanted !== content.sha256) throw notInstallable("Its content has another digest than the source says.");
  return content;
}

function draftServer(ctx: Ctx, plan: Plan, item: Item): Draft {
  const endpoint = textOf(item, "endpoint");
  const transport = (["streamable-http", "sse", "websocket"] as const).find((one) => one === (item.metadata?.["transport"] ?? "streamable-http"));
  if (endpoint === null || transport === undefined || !readOutsideUrl(endpoint, ctx.config.environment === "local")) throw notInstallable("It offers no address at which it is served.");
  if (item.name.length > MAX_SERVER_NAME) throw notInstallable("Its name is too long.");
  const now = ctx.clock.now();
  const id = newId("mcp", now);
  plan
    .write(insertDraftServer(ctx, { id, name: item.name, description: textOf(item, "description") ?? "", endpoint, scope: "org", transport, status: "draft", capabilities: [], sourceId: item.sourceId, lastSyncedAt: now, createdAt: now, updatedAt: now }))
    .audit(governed({ action: "mcp_server.create", kind: "McpServer", key: id, after: { name: item.name, endpoint: endpoint.split("?")[0], scope: "org", transport, status: "draft" } }));
  contractsChanged(plan, "all");
  return {
    id,
    findExisting: async (error) => {
      if (!isUniqueViolation(error, SERVER_UNIQUE)) return null;
      const existing = await findServerFrom(ctx, item.sourceId, item.name);
      if (existing === null) throw new AppError("CONFLICT", `There is already an MCP server named ${item.name}.`);
      return existing;
    },
  };
}

const notInstallable = (why: string): AppError => refusal("ITEM_NOT_INSTALLABLE", `This cannot be installed. ${why}`);

function textOf(item: Item, name: string): string | null {
  const value = item.metadata?.[name];
  return typeof value === "string" && value !== "" && value.length <= 2_000 ? value : null;
}
