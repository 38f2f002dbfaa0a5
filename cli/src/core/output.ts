import pc from "picocolors";
import type { JsonObject } from "./json";

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

type Colors = ReturnType<typeof pc.createColors>;

/** Results go to stdout, everything said on the way goes to stderr; with --json stdout holds JSON only. */
export class Output {
  readonly colors: Colors;
  readonly errColors: Colors;

  constructor(readonly options: OutputOptions) {
    this.colors = pc.createColors(wantsColor(process.stdout.isTTY));
    this.errColors = pc.createColors(wantsColor(process.stderr.isTTY));
  }

  /** One line of the result. */
  print(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** One JSON object on one line. */
  json(value: object): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A remark for people; silent with --quiet and --json. */
  note(line: string): void {
    if (!this.options.quiet && !this.options.json) process.stderr.write(`${line}\n`);
  }

  /** An error and what to do next. Also with --quiet. */
  error(message: string, hint: string | undefined, fields: JsonObject): void {
    if (this.options.json) {
      this.json({ event: "error", message, ...(hint === undefined ? {} : { hint }), ...fields });
      return;
    }
    process.stderr.write(`${this.errColors.red("✗")} ${message}\n`);
    if (hint !== undefined) process.stderr.write(`  ${this.errColors.dim(hint)}\n`);
  }
}

/** Colours only on a terminal that shows them and whose user did not refuse them. */
export function wantsColor(isTty: boolean | undefined, env: NodeJS.ProcessEnv = process.env): boolean {
  return isTty === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** A spinner on stderr; nothing at all where stderr is no terminal. */
export class Spinner {
  private timer: NodeJS.Timeout | undefined;
  private frame = 0;

  constructor(
    private readonly text: () => string,
    enabled: boolean,
  ) {
    if (!enabled || process.stderr.isTTY !== true) return;
    this.timer = setInterval(() => this.draw(), 100);
  }

  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    process.stderr.write("\r\u001b[K");
  }

  private draw(): void {
    const marks = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
    this.frame = (this.frame + 1) % marks.length;
    process.stderr.write(`\r\u001b[K${marks[this.frame] ?? ""} ${this.text()}`);
  }
}

const ANSI = /\u001b\[[0-9;]*m/g;

/** Aligned columns, two spaces apart; colours do not count for the width. Pure. */
export function formatTable(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => visibleLength(row[column] ?? ""))));
  return all.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - visibleLength(cell))))
      .join("  ")
      .trimEnd(),
  );
}

function visibleLength(text: string): number {
  return [...text.replace(ANSI, "")].length;
}

/** "12 s", "5 min", "3 h", "2 d". Pure. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** How long ago an ISO time was, or a dash. Pure. */
export function formatAgo(iso: string | null | undefined, now: number): string {
  const at = Date.parse(iso ?? "");
  return Number.isNaN(at) ? "–" : `${formatDuration(now - at)} ago`;
}
