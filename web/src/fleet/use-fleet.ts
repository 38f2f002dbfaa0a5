import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, unwrap } from "../api/client";
import { asApiError } from "../api/errors";
import { useFleetConnection } from "./fleet-connection";
import { dispatchFleet, fleetQuery } from "./fleet-query";

const POLL_WITHOUT_STREAM_MS = 15_000;

/** The fleet as known now. Without a stream it is asked for, so that the page is late rather than wrong. */
export function useFleet() {
  const client = useQueryClient();
  const { status } = useFleetConnection();
  return useQuery({ ...fleetQuery(client), refetchInterval: status === "live" ? false : POLL_WITHOUT_STREAM_MS });
}

/** Asks for a gateway restart; the progress arrives by the stream. The callback never changes, so cards may keep it. */
export function useRestartGateway(): (instanceId: string) => void {
  const client = useQueryClient();
  return useCallback(
    (instanceId) => {
      dispatchFleet(client, [{ kind: "restart.sent", instanceId, atMs: Date.now() }]);
      api
        .POST("/api/v1/dashboard/gateway/restart", { body: { instance_id: instanceId } })
        .then(unwrap)
        .then(({ message }) => dispatchFleet(client, [{ kind: "restart.accepted", instanceId, text: message }]))
        .catch((thrown: unknown) =>
          dispatchFleet(client, [{ kind: "restart.refused", instanceId, text: asApiError(thrown).message, atMs: Date.now() }]),
        );
    },
    [client],
  );
}
