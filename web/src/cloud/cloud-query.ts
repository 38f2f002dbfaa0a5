/** Cloud machines in the query cache. The list comes over HTTP; the live fleet says when it must be read again and what moves meanwhile. */
import { queryOptions, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useReducer, useRef, useState } from "react";
import type { VmEvent } from "../api/live-types";
import { useFleetConnection } from "../fleet/fleet-connection";
import { openFleetStream, type StreamStatus } from "../fleet/fleet-stream";
import { useFleet } from "../fleet/use-fleet";
import { listAddons, listCloudVms, vmEventsPath } from "./cloud.api";
import { cloudVersion } from "./cloud.core";
import { foldWay, type Way } from "./steps.core";

const CLOUD_KEY = ["cloud"] as const;
const CHANGE_PAUSE_MS = 300;
const POLL_WITHOUT_STREAM_MS = 15_000;

const listQuery = queryOptions({ queryKey: [...CLOUD_KEY, "list"], queryFn: ({ signal }) => listCloudVms(signal) });
export const addonsQuery = queryOptions({ queryKey: [...CLOUD_KEY, "addons"], queryFn: ({ signal }) => listAddons(signal), staleTime: 30_000 });

/** Machines and what pays for them are read again. */
export const refreshCloud = (client: QueryClient): Promise<void> => client.invalidateQueries({ queryKey: CLOUD_KEY });

/** All cloud machines of the person, with the live fleet beside them. */
export function useCloudVms() {
  const client = useQueryClient();
  const { status } = useFleetConnection();
  const fleet = useFleet();
  const list = useQuery({ ...listQuery, refetchInterval: status === "live" ? false : POLL_WITHOUT_STREAM_MS });
  const version = cloudVersion(fleet.data?.entries);
  const read = useRef(version);
  useEffect(() => {
    if (read.current === version) return;
    read.current = version;
    const timer = setTimeout(() => void refreshCloud(client), CHANGE_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [client, version]);
  return { list, entries: fleet.data?.entries };
}

interface FollowedWay {
  way: Way | null;
  connection: StreamStatus;
}

/**
 * One machine's own stream, followed until it settles: found again where it was after every cut, and opened afresh when `isOn` becomes true
 * again, as after a restart.
 */
export function useVmWay(instanceId: string, isOn: boolean): FollowedWay {
  const client = useQueryClient();
  const [way, fold] = useReducer((known: Way | null, event: VmEvent) => foldWay(known, event), null);
  const [connection, setConnection] = useState<StreamStatus>("connecting");
  const lastId = useRef<number | null>(null);
  useEffect(() => {
    if (!isOn) return;
    const stream = openFleetStream(
      {
        onEvent: ({ id, event }) => {
          if (event.type !== "cloud_vm.progress" && event.type !== "cloud_vm.settled") return;
          if (id !== null) lastId.current = id;
          fold(event);
          if (event.type !== "cloud_vm.settled") return;
          stream.close();
          void refreshCloud(client);
        },
        onStatus: setConnection,
        onPulse: () => undefined,
        onRefused: (status) => {
          if (status !== 404) return;
          stream.close();
          void refreshCloud(client);
        },
        lastEventId: () => lastId.current,
      },
      vmEventsPath(instanceId),
    );
    return () => stream.close();
  }, [client, instanceId, isOn]);
  return { way, connection };
}
