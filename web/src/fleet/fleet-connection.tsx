/** Keeps one dashboard stream open while somebody is signed in, and folds what it says into the fleet query. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { dispatchFleet, findFleet, FLEET_KEY } from "./fleet-query";
import { openFleetStream, type FleetStream, type StreamStatus } from "./fleet-stream";
import type { FleetAction } from "./fleet.types";

/** Events of one burst share a render. */
const BURST_MS = 16;
/** A server that sends no whole fleet at connect is asked for it. */
const SNAPSHOT_GRACE_MS = 1500;

interface FleetConnection {
  status: StreamStatus;
  reconnect: () => void;
  /** When anything was last heard, for display only. */
  findLastPulse: () => number | null;
}

const ConnectionContext = createContext<FleetConnection | null>(null);

export function useFleetConnection(): FleetConnection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error("useFleetConnection needs a FleetConnectionProvider");
  return connection;
}

export function FleetConnectionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [status, setStatus] = useState<StreamStatus>("connecting");
  const stream = useRef<FleetStream | null>(null);
  const lastPulse = useRef<number | null>(null);

  useEffect(() => {
    let queue: FleetAction[] = [];
    let flushTimer: ReturnType<typeof setTimeout> | null = null;
    let graceTimer: ReturnType<typeof setTimeout> | null = null;
    const flush = (): void => {
      const actions = queue;
      queue = [];
      flushTimer = null;
      const resyncBefore = findFleet(client).resyncSeq;
      dispatchFleet(client, actions);
      if (findFleet(client).resyncSeq !== resyncBefore) void client.invalidateQueries({ queryKey: FLEET_KEY });
    };
    stream.current = openFleetStream({
      onEvent: ({ id, event }) => {
        if (event.type === "heartbeat.update" && event.machines && graceTimer) clearTimeout(graceTimer);
        queue.push({ kind: "event", id, event, receivedAtMs: Date.now() });
        flushTimer ??= setTimeout(flush, BURST_MS);
      },
      onStatus: (next) => {
        setStatus(next);
        if (graceTimer) clearTimeout(graceTimer);
        if (next === "live") {
          graceTimer = setTimeout(() => void client.invalidateQueries({ queryKey: FLEET_KEY }), SNAPSHOT_GRACE_MS);
        }
      },
      onPulse: (atMs) => {
        lastPulse.current = atMs;
      },
      lastEventId: () => findFleet(client).lastEventId,
    });
    return () => {
      if (flushTimer) clearTimeout(flushTimer);
      if (graceTimer) clearTimeout(graceTimer);
      stream.current?.close();
    };
  }, [client]);

  const connection = useMemo<FleetConnection>(
    () => ({ status, reconnect: () => stream.current?.reconnect(), findLastPulse: () => lastPulse.current }),
    [status],
  );
  return <ConnectionContext value={connection}>{children}</ConnectionContext>;
}
