import { readBodyBytes } from "../../kernel/http/read-body";
import { operation, type Operation } from "../../kernel/operation";
import { installSkill } from "./install-skill";
import { CONTENT_MAX_BYTES } from "./skill-content.core";
import { getSkillContent, getTransfer, listSkills } from "./skills.queries";
import { ContentRef, InstallSkillBody, InstallSkillView, SkillsView, StoreContentQuery, StoredContentView, TransferRef, TransferView } from "./skills.schemas";
import { storeContent } from "./store-content";

const TAG = "dashboard";
const OWNER = ["user", "cliToken"] as const;
const SKILLS = "/api/v1/dashboard/skills";

/** A skill is written to a folder, never shown. */
const contentResponse = ({ body, sizeBytes, digest, format }: Awaited<ReturnType<typeof getSkillContent>>): Response =>
  new Response(body, {
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(sizeBytes),
      etag: `"${digest}"`,
      "x-skill-format": format,
      "content-disposition": "attachment",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-store",
    },
  });

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.skills.list",
    method: "get",
    path: SKILLS,
    tag: TAG,
    summary: "Skills over all machines, with the machines that have each",
    auth: OWNER,
    limit: "read",
    output: SkillsView,
  }).handle((_, ctx) => listSkills(ctx)),
  operation({
    id: "fleet.skills.install",
    method: "post",
    path: `${SKILLS}/install`,
    tag: TAG,
    summary: "Bring a skill to another machine; repeating it while that is under way is harmless",
    auth: OWNER,
    limit: "write",
    audit: "skill.install",
    body: InstallSkillBody,
    output: InstallSkillView,
  }).handle(({ body }, ctx) => installSkill(ctx, body)),
  operation({
    id: "fleet.skills.get-transfer",
    method: "get",
    path: `${SKILLS}/transfers/{transfer_id}`,
    tag: TAG,
    summary: "How a skill's way to another machine is going",
    auth: OWNER,
    limit: "read",
    audit: "skill.finish",
    params: TransferRef,
    output: TransferView,
  }).handle(({ params }, ctx) => getTransfer(ctx, params.transfer_id)),
  operation({
    id: "fleet.skills.store-content",
    method: "put",
    path: `${SKILLS}/content/{digest}`,
    tag: TAG,
    summary: "Send a skill that a transfer waits for: its bytes, at most 1 MiB, which must have this digest",
    auth: OWNER,
    limit: "write",
    audit: "skill.store",
    params: ContentRef,
    query: StoreContentQuery,
    output: StoredContentView,
  }).handle(({ params, query, request }, ctx) => storeContent(ctx, { ...params, ...query, read: () => readBodyBytes(request, CONTENT_MAX_BYTES) })),
  operation({
    id: "fleet.skills.get-content",
    method: "get",
    path: `${SKILLS}/content/{digest}`,
    tag: TAG,
    summary: "A skill's bytes, for the owner's machines",
    auth: OWNER,
    limit: "read",
    params: ContentRef,
    produces: "application/octet-stream",
  }).handle(async ({ params }, ctx) => contentResponse(await getSkillContent(ctx, params.digest))),
];
