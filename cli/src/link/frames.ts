import type { ContractRef } from "../core/api-types";
import { isObject, numberField, parseJson, stringField, type JsonObject } from "../core/json";

/** A command as the server delivers it, over any transport. */
export interface Command {
  readonly id: string;
  readonly type: string;
  readonly payload: JsonObject;
}

export type ResultStatus = "success" | "failed";

export interface CommandResult {
  readonly status: ResultStatus;
  readonly result: string;
  readonly new_version: string | null;
}

/** What the server can say on the machine socket (live-wire §2), parsed. */
export type ServerFrame =
  | { readonly t: "hello"; readonly seq: number; readonly beatMs: number | undefined }
  | { readonly t: "event"; readonly id: string; readonly data: JsonObject }
  | { readonly t: "pace"; readonly beatMs: number; readonly until: number | undefined }
  | { readonly t: "beat.ok"; readonly commands: readonly Command[]; readonly contract: ContractRef | undefined }
  | { readonly t: "ok"; readonly re: string; readonly id: string | undefined; readonly status: string | undefined }
  | { readonly t: "error"; readonly re: string; readonly id: string | undefined; readonly code: string; readonly detail: string };

/** Parses a text frame; undefined for anything this version does not know, which is skipped. */
export function parseServerFrame(text: string): ServerFrame | undefined {
  const raw = parseJson(text);
  if (!isObject(raw)) return undefined;
  switch (raw["t"]) {
    case "hello":
      return { t: "hello", seq: numberField(raw, "seq") ?? 0, beatMs: numberField(raw, "beat_ms") };
    case "event": {
      const id = raw["id"];
      const data = raw["data"];
      if ((typeof id !== "number" && typeof id !== "string") || !isObject(data)) return undefined;
      return { t: "event", id: String(id), data };
    }
    case "pace": {
      const beatMs = numberField(raw, "beat_ms");
      if (beatMs === undefined) return undefined;
      const until = Date.parse(stringField(raw, "until") ?? "");
      return { t: "pace", beatMs, until: Number.isNaN(until) ? undefined : until };
    }
    case "beat.ok":
      return { t: "beat.ok", commands: parseCommands(raw["pending_commands"]), contract: parseContractRef(raw["contract"]) };
    case "ok":
      return { t: "ok", re: stringField(raw, "re") ?? "", id: stringField(raw, "id"), status: stringField(raw, "status") };
    case "error":
      return {
        t: "error",
        re: stringField(raw, "re") ?? "",
        id: stringField(raw, "id"),
        code: stringField(raw, "code") ?? "unknown",
        detail: stringField(raw, "detail") ?? "",
      };
    default:
      return undefined;
  }
}

/** The contract that a beat's answer names; undefined on machines that nobody governs. */
export function parseContractRef(raw: unknown): ContractRef | undefined {
  if (!isObject(raw)) return undefined;
  const id = stringField(raw, "id");
  const revision = numberField(raw, "revision");
  return id === undefined || revision === undefined ? undefined : { id, revision };
}

/** The commands in a `pending_commands` list; malformed ones are left out. */
export function parseCommands(list: unknown): Command[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const command = parseCommand(item);
    return command === undefined ? [] : [command];
  });
}

/** A command object `{id, command_type, payload}`, from an event or a list. */
export function parseCommand(item: unknown): Command | undefined {
  if (!isObject(item)) return undefined;
  const id = stringField(item, "id");
  const type = stringField(item, "command_type");
  if (id === undefined || id === "" || type === undefined) return undefined;
  return { id, type, payload: isObject(item["payload"]) ? item["payload"] : {} };
}

/** Codes of refusals that a later try may not meet: the server was busy or broken, the frame was fine. */
export function isTransientCode(code: string): boolean {
  return /internal|overload|unavailable|timeout|rate|busy|retry/i.test(code);
}

export interface Fatal {
  readonly code: "token_dead" | "gone" | "replaced" | "refused";
  readonly detail: string;
}

/** The close codes after which the daemon must stop (live-wire §2). */
export function fatalFromClose(code: number): Fatal | undefined {
  if (code === 4401) return { code: "token_dead", detail: "the token was revoked or has expired" };
  if (code === 4410) return { code: "gone", detail: "this machine was deleted from the fleet" };
  if (code === 4409) return { code: "replaced", detail: "another daemon took this machine over" };
  return undefined;
}

/** The HTTP answers after which the daemon must stop, whatever the endpoint. */
export function fatalFromStatus(status: number, detail: string): Fatal | undefined {
  if (status === 401) return { code: "token_dead", detail: detail || "the token was revoked or has expired" };
  // A 403 without a reason is a proxy's, not ours: that transport is blocked, the machine is not.
  if (status === 403 && detail !== "") return { code: "refused", detail };
  if (status === 410) return { code: "gone", detail: "this machine was deleted from the fleet" };
  return undefined;
}
