import { lazy, Suspense, useMemo } from "react";
import type { Machine, MachineSample } from "../api/live-types";
import { formatMegabytes } from "../lib/format";
import { Skeleton } from "../ui/skeleton";
import { Nothing, Section } from "./section";

const SampleChart = lazy(() => import("./sample-chart"));

interface SamplesProps {
  machine: Machine;
  /** Null while they are being read. */
  samples: MachineSample[] | null;
}

/** The last day of memory and load. The same numbers are in a table for those who cannot see the lines. */
export function Samples({ machine, samples }: SamplesProps) {
  const total = machine.memTotalMb;
  const { rows, atSeconds, memory, load } = useMemo(() => readSeries(samples ?? [], machine), [samples, machine]);
  return (
    <Section title="Last 24 hours">
      {samples === null ? (
        <Skeleton className="h-48 rounded-xl" />
      ) : rows.length < 2 ? (
        <Nothing>A sample is kept every 15 minutes. The lines begin with the second one.</Nothing>
      ) : (
        <>
          <div className="grid gap-3 sm:grid-cols-2">
            <Chart
              title={total === null ? "Memory free" : "Memory used"}
              atSeconds={atSeconds}
              values={memory}
              max={total}
              format={formatMegabytes}
              steps={GIGABYTE_STEPS}
            />
            <Chart title="Load" atSeconds={atSeconds} values={load} max={machine.cpuCount} format={formatLoad} />
          </div>
          <SampleTable samples={rows} />
        </>
      )}
    </Section>
  );
}

interface Series {
  rows: MachineSample[];
  atSeconds: number[];
  memory: (number | null)[];
  load: (number | null)[];
}

function readSeries(samples: MachineSample[], machine: Machine): Series {
  const rows = withLatest(samples, machine);
  const total = machine.memTotalMb;
  return {
    rows,
    atSeconds: rows.map(({ at }) => Date.parse(at) / 1000),
    memory: rows.map(({ memFreeMb }) => (memFreeMb === null || total === null ? memFreeMb : total - memFreeMb)),
    load: rows.map(({ load1 }) => load1),
  };
}

/** Ends the lines at what the machine said last, instead of at the last quarter of an hour. */
function withLatest(samples: MachineSample[], { lastHeartbeat, memFreeMb, load1 }: Machine): MachineSample[] {
  const last = samples.at(-1);
  if (!last || !lastHeartbeat || Date.parse(lastHeartbeat) <= Date.parse(last.at)) return samples;
  return [...samples, { at: lastHeartbeat, memFreeMb, load1 }];
}

const GIGABYTE_STEPS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144];

const formatLoad = (load: number): string => load.toFixed(load < 10 ? 1 : 0).replace(/\.0$/, "");

interface ChartProps {
  title: string;
  atSeconds: number[];
  values: (number | null)[];
  max: number | null;
  format: (value: number) => string;
  /** Distances between grid lines that read well in this unit. */
  steps?: number[];
}

function Chart({ title, values, format, ...rest }: ChartProps) {
  const last = values.findLast((value) => value !== null);
  return (
    <figure className="min-w-0 rounded-xl border border-line bg-surface p-4 pb-2 shadow-card">
      <figcaption className="flex items-baseline justify-between text-[0.8125rem]">
        <span className="text-muted">{title}</span>
        <span className="font-medium">{last === undefined || last === null ? "–" : format(last)}</span>
      </figcaption>
      <Suspense fallback={<Skeleton className="mt-2 h-36" />}>
        <SampleChart title={title} values={values} format={format} {...rest} />
      </Suspense>
    </figure>
  );
}

function SampleTable({ samples }: { samples: MachineSample[] }) {
  return (
    <details className="text-[0.8125rem]">
      <summary className="w-fit rounded-sm text-muted hover:text-ink">Show as a table</summary>
      <div className="mt-2 max-h-72 overflow-auto rounded-xl border border-line" tabIndex={0} role="region" aria-label="Samples">
        <table className="w-full text-left">
          <thead className="sticky top-0 bg-sunken text-muted">
            <tr>
              <th scope="col" className="px-4 py-2 font-medium">
                Time
              </th>
              <th scope="col" className="px-4 py-2 text-right font-medium">
                Memory free
              </th>
              <th scope="col" className="px-4 py-2 text-right font-medium">
                Load
              </th>
            </tr>
          </thead>
          <tbody>
            {samples.toReversed().map(({ at, memFreeMb, load1 }) => (
              <tr key={at} className="border-t border-line">
                <td className="px-4 py-1.5">{new Date(at).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" })}</td>
                <td className="px-4 py-1.5 text-right">{memFreeMb === null ? "–" : formatMegabytes(memFreeMb)}</td>
                <td className="px-4 py-1.5 text-right">{load1 === null ? "–" : load1.toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
