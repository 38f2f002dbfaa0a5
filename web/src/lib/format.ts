/** Small formats for facts about machines. Pure, so that they can be tested without a page. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "12 s ago", "3 min ago", "5 h ago", "2 d ago". Instants in the near future are clock skew and read as now. */
export function formatRelative(at: string | number | null | undefined, nowMs: number): string {
  const atMs = typeof at === "number" ? at : Date.parse(at ?? "");
  if (Number.isNaN(atMs)) return "never";
  const seconds = Math.floor((nowMs - atMs) / 1000);
  return seconds < 2 ? "now" : `${formatSpan(seconds)} ago`;
}

/** The largest unit only: "12 s", "3 min", "5 h", "2 d". */
export function formatSpan(seconds: number): string {
  if (seconds < MINUTE) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** Two units where the second still says something: "3 d 4 h", "2 h 5 min", "40 s". */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const total = Math.max(0, Math.floor(seconds));
  const [unit, smaller] = total >= DAY ? [DAY, HOUR] : total >= HOUR ? [HOUR, MINUTE] : [MINUTE, 1];
  const rest = Math.floor((total % unit) / smaller) * smaller;
  if (total < HOUR || rest === 0) return formatSpan(total);
  return `${formatSpan(total)} ${formatSpan(rest)}`;
}

/** Memory in the unit a person would say it in. */
export function formatMegabytes(megabytes: number): string {
  if (megabytes < 1024) return `${Math.round(megabytes)} MB`;
  const gigabytes = megabytes / 1024;
  return `${gigabytes >= 100 ? Math.round(gigabytes) : gigabytes.toFixed(1).replace(/\.0$/, "")} GB`;
}

/** A word of the wire as people read it: "not_installed" becomes "not installed". */
export function humanise(word: string): string {
  return word.replace(/[_.-]+/g, " ").trim();
}

export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** "3 Jan 2026" as the reader's own calendar has it. */
export function formatDay(at: string): string {
  return new Date(at).toLocaleDateString(undefined, { dateStyle: "medium" });
}
