import type { Computer, ComputerStatus } from "../../kernel/ports/compute";
import { garbled, isObject, type Json } from "./answers";

export interface Workspace {
  readonly id: string;
  readonly name: string;
  /** Whose it is; null when it does not say. Others may share theirs with us. */
  readonly ownerId: string | null;
  /** ms; null when it does not say. */
  readonly createdAt: number | null;
}

const ID = /^[A-Za-z0-9_-]{1,128}$/;
const MAX_DETAIL = 200;

const STATUSES: Readonly<Record<string, ComputerStatus>> = {
  creating: "creating",
  pending: "creating",
  provisioning: "creating",
  starting: "starting",
  booting: "starting",
  running: "running",
  stopping: "stopping",
  stopped: "stopped",
  restarting: "restarting",
  suspending: "stopping",
  suspended: "suspended",
  paused: "suspended",
  deleting: "deleting",
  deleted: "deleting",
  error: "error",
  failed: "error",
};

/** Whether it can be an id of theirs at all. What is none never becomes a part of a path. */
export const isId = (text: unknown): text is string => typeof text === "string" && ID.test(text);

/**
 * A computer as Orgo tells it. Only what is named here is taken: passwords and addresses of its screen are not.
 * @param known what the call itself says
 * @throws ComputeError `unavailable` when it makes no sense
 */
export function readComputer(call: string, from: unknown, known: { readonly id?: string; readonly tag?: string; readonly workspace?: Workspace } = {}): Computer {
  if (!isObject(from)) throw garbled(call, "computer");
  const id = from["id"];
  if (!isId(id) || (known.id !== undefined && id !== known.id)) throw garbled(call, "id");
  const tag = textOf(from, "name") ?? known.tag;
  if (tag === undefined) throw garbled(call, "name");
  return {
    id,
    tag,
    ...readStatus(call, from),
    createdAt: timeOf(from),
    workspaceId: known.workspace?.id ?? textOf(from, "workspace_id", "project_id"),
    workspaceName: known.workspace?.name ?? textOf(from, "workspace_name", "project_name"),
  };
}

/** A word that we do not know is a state on the way to another: nothing is concluded from it. */
function readStatus(call: string, from: Json): Pick<Computer, "status" | "detail"> {
  const word = textOf(from, "status");
  if (word === null) throw garbled(call, "status");
  const status = Object.hasOwn(STATUSES, word.toLowerCase()) ? STATUSES[word.toLowerCase()] : undefined;
  const detail = textOf(from, "status_message", "status_detail", "error") ?? (status === word ? null : word);
  return { status: status ?? "starting", detail: detail?.replace(/https?:\/\/\S+/gi, "…").slice(0, MAX_DETAIL) ?? null };
}

/** The computers of a workspace, each once: `desktops`, or `computers` as Orgo called them for a while. */
export function readComputers(call: string, body: Json, workspace: Workspace): readonly Computer[] {
  const lists = [body["desktops"], body["computers"]].filter((list) => Array.isArray(list));
  // Without a list nothing is known of what there is.
  if (lists.length === 0) throw garbled(call, "desktops");
  const byId = new Map(lists.flat().map((item: unknown) => readComputer(call, item, { workspace })).map((computer) => [computer.id, computer]));
  return [...byId.values()];
}

/** `workspaces`, or `projects` as they were called before. */
export function readWorkspaces(call: string, body: Json): readonly Workspace[] {
  const list = body["workspaces"] ?? body["projects"];
  if (!Array.isArray(list)) throw garbled(call, "workspaces");
  return list.map((item: unknown) => readWorkspace(call, item));
}

export function readWorkspace(call: string, from: unknown): Workspace {
  if (!isObject(from)) throw garbled(call, "workspace");
  const [id, name] = [from["id"], textOf(from, "name")];
  if (!isId(id)) throw garbled(call, "id");
  if (name === null) throw garbled(call, "name");
  return { id, name, ownerId: textOf(from, "user_id"), createdAt: timeOf(from) };
}

/** The oldest first; of the same age, or none, the one with the smallest id: everybody comes to the same. */
export function oldestFirst<T extends { readonly id: string; readonly createdAt: number | null }>(items: readonly T[]): readonly T[] {
  return [...items].sort((a, b) => (a.createdAt ?? Infinity) - (b.createdAt ?? Infinity) || (a.id < b.id ? -1 : 1));
}

function timeOf(from: Json): number | null {
  const ms = Date.parse(textOf(from, "created_at") ?? "");
  return Number.isNaN(ms) ? null : ms;
}

function textOf(from: Json, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = from[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}
