import type { WatchedProcess } from "../api/live-types";
import { ProcessDot } from "../fleet/status-pill";
import { humanise } from "../lib/format";
import { RelativeTime } from "../ui/relative-time";
import { Nothing, Section } from "./section";

export function ProcessTable({ processes }: { processes: WatchedProcess[] }) {
  return (
    <Section title="Watched processes">
      {processes.length === 0 ? (
        <Nothing>The daemon on this machine watches nothing yet.</Nothing>
      ) : (
        <div className="overflow-x-auto rounded-xl border border-line bg-surface shadow-card" tabIndex={0} role="region" aria-label="Watched processes, table">
          <table className="w-full text-left text-[0.8125rem]">
            <thead className="text-muted">
              <tr>
                <Head>Name</Head>
                <Head>Status</Head>
                <Head isNumber>Pid</Head>
                <Head isNumber>Restarts</Head>
                <Head isNumber>Started</Head>
              </tr>
            </thead>
            <tbody>
              {processes.map((process) => (
                <tr key={process.name} className="border-t border-line">
                  <th scope="row" className="px-4 py-2 font-medium">
                    {process.name}
                  </th>
                  <td className="px-4 py-2 whitespace-nowrap">
                    <ProcessDot status={process.status} /> <span className="ml-1">{humanise(process.status)}</span>
                  </td>
                  <td className="px-4 py-2 text-right">{process.pid ?? "–"}</td>
                  <td className="px-4 py-2 text-right">{process.restarts}</td>
                  <td className="px-4 py-2 text-right whitespace-nowrap">
                    <RelativeTime at={process.startedAt} fallback="–" />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}

function Head({ children, isNumber = false }: { children: string; isNumber?: boolean }) {
  return (
    <th scope="col" className={isNumber ? "px-4 py-2 text-right font-medium" : "px-4 py-2 font-medium"}>
      {children}
    </th>
  );
}
