import type { Machine } from "../../../web/src/api/live-types";

const T0 = Date.parse("2026-01-01T00:00:00Z");

/** A machine of the live fleet that does well. */
export function machine(instanceId: string, change: Partial<Machine> = {}): Machine {
  return {
    instanceId,
    hostname: null,
    os: null,
    arch: null,
    cliVersion: null,
    pluginVersion: null,
    provider: null,
    orgoWorkspaceId: null,
    orgoWorkspaceName: null,
    orgoComputerId: null,
    provisionStatus: null,
    provisionDetail: null,
    provisionPercent: null,
    lastGatewayRestart: null,
    isOnline: true,
    gatewayStatus: "running",
    hasOpenclaw: true,
    hasHermes: false,
    botCount: 0,
    bots: [],
    lastHeartbeat: new Date(T0).toISOString(),
    label: instanceId,
    reachable: true,
    link: "socket",
    linkSince: new Date(T0).toISOString(),
    memFreeMb: 100,
    memTotalMb: 200,
    load1: 0,
    cpuCount: 1,
    uptimeSeconds: 10,
    gatewayPid: 1,
    version: "1",
    offlineReason: null,
    offlineSince: null,
    pendingCommands: 0,
    watched: [],
    ...change,
  };
}
