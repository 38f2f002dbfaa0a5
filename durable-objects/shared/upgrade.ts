import type { Caller, InstanceRef } from "../instance/instance.rpc";

/** What a Worker asks of an object when it upgrades: credentials stripped, facts added. */
export interface Upgrade {
  /** `socket` a machine's own, `sse` the inner end of a machine stream, `dashboard` of a dashboard stream, `progress` of one that follows a cloud machine. */
  readonly type: "socket" | "sse" | "dashboard" | "progress";
  readonly ref: InstanceRef;
  readonly caller: Caller;
  readonly lastEventId: number | null;
}

const HEADER = "x-sett-upgrade";

/** The request that carries an upgrade to an object; nothing of the client's own headers goes along. */
export function upgradeRequest(upgrade: Upgrade): Request {
  return new Request("http://object/upgrade", { headers: { upgrade: "websocket", [HEADER]: encodeURIComponent(JSON.stringify(upgrade)) } });
}

/** Null when the request is no upgrade of ours. Only our own Worker can reach an object, so the content is trusted. */
export function readUpgrade(request: Request): Upgrade | null {
  const header = request.headers.get(HEADER);
  if (!header || request.headers.get("upgrade") !== "websocket") return null;
  return JSON.parse(decodeURIComponent(header)) as Upgrade;
}
