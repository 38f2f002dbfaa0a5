import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { CommandStatus, MachineDetail } from "../api/live-types";

export function machineQuery(instanceId: string) {
  return queryOptions({
    queryKey: ["machine", instanceId],
    queryFn: async ({ signal }): Promise<MachineDetail> =>
      unwrap(await api.GET("/api/v1/dashboard/machines/{instance_id}", { params: { path: { instance_id: instanceId } }, signal })),
  });
}

export function commandsQuery(instanceId: string) {
  return queryOptions({
    queryKey: ["machine", instanceId, "commands"],
    queryFn: async ({ signal }): Promise<CommandStatus[]> =>
      unwrap(await api.GET("/api/v1/dashboard/commands/{instance_id}", { params: { path: { instance_id: instanceId } }, signal })),
  });
}
