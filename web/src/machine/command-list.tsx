import { useQuery } from "@tanstack/react-query";
import type { CommandStatus } from "../api/live-types";
import { humanise } from "../lib/format";
import { cx } from "../ui/cx";
import { ErrorNotice } from "../ui/error-notice";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { describeCommand } from "./history.core";
import { commandsQuery } from "./machine-query";
import { Nothing, Section } from "./section";

const SHOWN_MAX = 12;
const STATUS: Record<string, { label: string; tone: string }> = {
  pending: { label: "waiting", tone: "text-info" },
  acknowledged: { label: "delivered", tone: "text-info" },
  success: { label: "done", tone: "text-ok" },
  failed: { label: "failed", tone: "text-bad" },
  cancelled: { label: "cancelled", tone: "text-muted" },
  expired: { label: "expired", tone: "text-muted" },
};

export function CommandList({ instanceId }: { instanceId: string }) {
  const { data, error } = useQuery(commandsQuery(instanceId));
  return (
    <Section title="Recent commands">
      {data ? (
        data.length === 0 ? (
          <Nothing>No command was sent to this machine.</Nothing>
        ) : (
          <ul className="rounded-xl border border-line bg-surface shadow-card">
            {newestFirst(data).map((command) => (
              <Row key={command.id} command={command} />
            ))}
          </ul>
        )
      ) : error ? (
        <ErrorNotice error={error} />
      ) : (
        <Skeleton className="h-24 rounded-xl" />
      )}
    </Section>
  );
}

function newestFirst(commands: CommandStatus[]): CommandStatus[] {
  return commands.toSorted((a, b) => (b.createdAt ?? "").localeCompare(a.createdAt ?? "")).slice(0, SHOWN_MAX);
}

function Row({ command }: { command: CommandStatus }) {
  const status = STATUS[command.status] ?? { label: humanise(command.status), tone: "text-muted" };
  return (
    <li className="grid grid-cols-[1fr_auto] gap-x-4 border-t border-line px-4 py-2.5 text-[0.8125rem] first:border-t-0">
      <span className="font-medium">{describeCommand(command.commandType)}</span>
      <span className="text-right text-muted">
        <span className={cx("font-medium", status.tone)}>{status.label}</span> · <RelativeTime at={command.completedAt ?? command.createdAt} />
      </span>
      {command.result && <span className="col-span-2 text-muted [overflow-wrap:anywhere]">{command.result}</span>}
    </li>
  );
}
