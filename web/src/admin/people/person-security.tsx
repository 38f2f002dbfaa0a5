import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useClock } from "../../lib/clock";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import type { MatrixDevice, Person, PersonSession, SecurityFlag } from "../admin.types";
import { securityQuery } from "../admin-query";
import { Loading, Pill, ReadProblem, rowClass, Rows } from "../parts";
import { matrixReason, sortSessions } from "./person.core";
import { PersonMachines } from "./person-machines";

/** Every way into somebody's account, what looks wrong about it, and the machines. */
export function PersonSecurity({ person }: { person: Person }) {
  const { data, error, isFetching, refetch } = useQuery(securityQuery(person.id));
  if (!data) return error === null ? <Loading what="machines and sessions" /> : <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />;
  return (
    <>
      {data.flags.length > 0 && (
        <div data-testid="flags" className="grid gap-2">
          {data.flags.map((flag) => (
            <Flag key={flag.code} flag={flag} />
          ))}
        </div>
      )}
      <PersonMachines userId={person.id} machines={data.openclaw_instances} />
      <Sessions sessions={data.sessions} />
      <MatrixDevices devices={data.matrix_devices} problem={data.matrix_devices_error} />
    </>
  );
}

const FLAG_TONE: Record<string, "bad" | "warn" | "info"> = { critical: "bad", warning: "warn", info: "info" };

function Flag({ flag }: { flag: SecurityFlag }) {
  return (
    <Notice tone={FLAG_TONE[flag.severity] ?? "warn"}>
      <span data-testid="flag" data-code={flag.code} className="font-medium">
        {flag.label}
      </span>
      {flag.detail !== null && <span className="text-muted"> · {flag.detail}</span>}
    </Notice>
  );
}

const toMinute = (nowMs: number): number => nowMs - (nowMs % 60_000);

function Sessions({ sessions }: { sessions: readonly PersonSession[] }) {
  const [isWhole, setWhole] = useState(false);
  const { live, ended } = sortSessions(sessions, useClock(toMinute));
  const shown = isWhole ? [...live, ...ended] : live;
  return (
    <Section
      title={`Sessions (${live.length})`}
      aside={
        ended.length > 0 && (
          <Button size="sm" variant="ghost" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? "Hide" : "Show"} {ended.length} ended
          </Button>
        )
      }
    >
      {shown.length === 0 ? (
        <Nothing>Signed in nowhere.</Nothing>
      ) : (
        <Rows label="Sessions" testId="person-sessions">
          {shown.map((session) => (
            <li key={session.id} className={`${rowClass} flex items-center gap-4 px-4 py-2.5`}>
              <div className="min-w-0 flex-1">
                <p className="font-medium [overflow-wrap:anywhere]">{session.device_name || session.platform || "Unknown device"}</p>
                <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
                  {session.ip_address && <>{session.ip_address} · </>}
                  seen <RelativeTime at={session.last_seen_at} /> · started <RelativeTime at={session.created_at} />
                </p>
              </div>
              {!live.includes(session) && <Pill tone="quiet">{session.is_revoked ? "Revoked" : "Expired"}</Pill>}
            </li>
          ))}
        </Rows>
      )}
    </Section>
  );
}

function MatrixDevices({ devices, problem }: { devices: readonly MatrixDevice[]; problem: string | null }) {
  return (
    <Section title={problem === null ? `Matrix devices (${devices.length})` : "Matrix devices"}>
      {problem !== null ? (
        <Nothing>They cannot be seen: {matrixReason(problem)}.</Nothing>
      ) : devices.length === 0 ? (
        <Nothing>No device on the homeserver.</Nothing>
      ) : (
        <Rows label="Matrix devices">
          {devices.map((device) => (
            <li key={device.device_id} className={`${rowClass} px-4 py-2.5`}>
              <p className="font-medium [overflow-wrap:anywhere]">{device.display_name || device.device_id}</p>
              <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
                {device.last_seen_ip && <>{device.last_seen_ip} · </>}
                seen <RelativeTime at={device.last_seen_ts === null ? null : new Date(device.last_seen_ts).toISOString()} /> · <code className="font-mono text-xs">{device.device_id}</code>
              </p>
            </li>
          ))}
        </Rows>
      )}
    </Section>
  );
}
