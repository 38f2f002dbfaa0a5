import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { refusal } from "../errors";
import { toSourceView, type SourceListView, type SourceRef, type SourceView } from "./sources.schemas";
import { countItems, findSource, listItems, listSources as listSourceRows } from "./sources.store";

/** Items of each source in the list; one source tells all of its own. */
const LISTED_ITEMS = 100;
const MAX_ITEMS = 4_000;

/** All sources, newest first. */
export async function listSources(ctx: Ctx): Promise<z.input<typeof SourceListView>> {
  return (await listSourceRows(ctx, LISTED_ITEMS)).map(({ source, items, count }) => toSourceView(source, items, count));
}

/** @throws THIRD_PARTY_SOURCE_NOT_FOUND */
export async function getSource(ctx: Ctx, ref: z.output<typeof SourceRef>): Promise<z.input<typeof SourceView>> {
  const [source, items, count] = await Promise.all([findSource(ctx, ref.id), listItems(ctx, ref.id, MAX_ITEMS), countItems(ctx, ref.id)]);
  if (!source) throw refusal("THIRD_PARTY_SOURCE_NOT_FOUND", "Source not found.");
  return toSourceView(source, items, count);
}
