import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useIsDark } from "../../shell/theme";
import { formatUsd } from "../budgets/money.core";
import { formatUtcDay, stack, type SpendCourse } from "./spend.core";

const HEIGHT = 190;
const HALF_DAY_SECONDS = 43_200;

interface SpendChartProps {
  course: SpendCourse;
  shades: readonly number[];
}

/** Bars of a day's spend, the models above each other. Loaded on demand, because few pages draw. */
export default function SpendChart(props: SpendChartProps) {
  // Colours are read from the page as it is drawn, so another theme draws it anew.
  return <Bars key={useIsDark() ? "dark" : "light"} {...props} />;
}

function Bars({ course, shades }: SpendChartProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const heights = stack(course.series);
    // The tallest is drawn first and the others over it.
    const plot = new uPlot(options(element, heights.length, shades), [course.atSeconds, ...heights.toReversed()], element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [course, shades]);
  return <div ref={host} role="img" aria-label="Spend by day and model; the numbers are in the table below" className="mt-2 h-[190px] w-full" />;
}

function options(element: HTMLElement, count: number, shades: readonly number[]): uPlot.Options {
  const resolve = readColours(element);
  const [ink, paper] = [resolve("--ink"), resolve("--surface")];
  const axis: uPlot.Axis = { stroke: resolve("--muted"), font: `11px ${getComputedStyle(element).fontFamily}`, grid: { stroke: resolve("--line"), width: 1 }, ticks: { show: false }, gap: 6 };
  const bars = uPlot.paths.bars?.({ size: [0.62, 34] });
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    scales: {
      x: { range: (_plot, low, high) => [low - HALF_DAY_SECONDS, high + HALF_DAY_SECONDS] },
      y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 0.01)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 56, incrs: [86_400, 2 * 86_400, 4 * 86_400, 7 * 86_400], values: (_plot, splits) => splits.map(formatUtcDay) },
      { ...axis, space: 42, size: 62, values: (_plot, splits) => splits.map(formatUsd) },
    ],
    series: [
      {},
      ...Array.from({ length: count }, (_, index): uPlot.Series => {
        const fill = mix(ink, paper, shades[count - 1 - index] ?? 0.1);
        return { stroke: fill, fill, width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) };
      }),
    ],
  };
}

/** light-dark() cannot be painted on a canvas; a resolved colour can. */
const readColours =
  (element: HTMLElement) =>
  (token: string): string => {
    element.style.color = `var(${token})`;
    const colour = getComputedStyle(element).color;
    element.style.color = "";
    return colour;
  };

/** Opaque, because a bar lies over the taller ones behind it. */
function mix(over: string, under: string, share: number): string {
  const [a, b] = [over, under].map((colour) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
  return `rgb(${[0, 1, 2].map((part) => Math.round((a?.[part] ?? 0) * share + (b?.[part] ?? 0) * (1 - share))).join(", ")})`;
}
