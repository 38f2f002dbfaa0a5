import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useIsDark } from "../shell/theme";

const HEIGHT = 150;

interface SampleChartProps {
  title: string;
  atSeconds: number[];
  values: (number | null)[];
  /** The top of the scale when the machine has one. */
  max: number | null;
  format: (value: number) => string;
  steps?: number[];
  /** What the line covers, as it is spoken. */
  over?: string;
}

/** A thin line over a day. Loaded on demand, because only this page draws. */
export default function SampleChart({ title, atSeconds, values, max, format, steps, over = "over the last day" }: SampleChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const plot = new uPlot(chartOptions(element, { max, format, steps, isDark }), [atSeconds, values], element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [atSeconds, values, max, format, steps, isDark]);
  return <div ref={host} role="img" aria-label={`${title} ${over}; the same numbers are in the table below`} className="mt-2 h-[150px] w-full" />;
}

interface ChartLook extends Pick<SampleChartProps, "max" | "format"> {
  steps: number[] | undefined;
  isDark: boolean;
}

function chartOptions(element: HTMLElement, { max, format, steps, isDark }: ChartLook): uPlot.Options {
  const style = getComputedStyle(element);
  // light-dark() cannot be painted on a canvas; a resolved colour can.
  const resolve = (token: string): string => {
    element.style.color = `var(${token})`;
    const colour = getComputedStyle(element).color;
    element.style.color = "";
    return colour;
  };
  const ink = resolve("--ink");
  const axis: uPlot.Axis = {
    stroke: resolve("--muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: resolve("--line"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(max ?? 0, high * 1.1, 0.1)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 60, size: 26, values: (_plot, splits) => splits.map(formatHour) },
      { ...axis, space: 42, size: 52, values: (_plot, splits) => splits.map(format), ...(steps ? { incrs: steps } : {}) },
    ],
    series: [{}, { stroke: ink, width: 1.5, fill: ink.replace(/^rgb\((.*)\)$/, isDark ? "rgba($1, 0.1)" : "rgba($1, 0.06)"), points: { show: false } }],
  };
}

function formatHour(seconds: number): string {
  const at = new Date(seconds * 1000);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}
