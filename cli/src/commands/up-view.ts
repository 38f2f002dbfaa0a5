import type { DaemonEvent } from "../daemon/events";
import { formatDuration, type Output } from "../core/output";

/** Shows the daemon's life on the terminal: a line per change, and a live line below when it is a TTY. */
export class UpView {
  private live: NodeJS.Timeout | undefined;
  private link = "connecting";
  private lastBeat: number | undefined;
  private gateway = "";
  private readonly processes = new Map<string, string>();
  private lastWait = "";

  constructor(private readonly out: Output) {
    if (!out.options.json && !out.options.quiet && process.stdout.isTTY === true) this.live = setInterval(() => this.draw(), 1_000);
  }

  show(event: DaemonEvent): void {
    if (this.out.options.json) {
      this.out.json({ at: new Date().toISOString(), ...event });
      return;
    }
    this.remember(event);
    const line = this.line(event);
    if (line === undefined || this.out.options.quiet) return;
    this.clear();
    this.out.print(`${this.out.colors.dim(new Date().toTimeString().slice(0, 8))}  ${line}`);
    this.draw();
  }

  close(): void {
    clearInterval(this.live);
    this.clear();
    this.live = undefined;
  }

  private remember(event: DaemonEvent): void {
    if (event.event === "linked") this.link = `linked (${event.transport})`;
    else if (event.event === "unlinked" || event.event === "waiting") this.link = "not linked";
    else if (event.event === "process") this.processes.set(event.name, event.status === "running" ? `${event.name} ${event.pid ?? ""}` : `${event.name} ${event.status}`);
    else if (event.event === "beat") {
      this.lastBeat = Date.now();
      this.gateway = `gateway ${event.gateway_status}`;
    }
    if (event.event === "linked") this.lastWait = "";
  }

  private line(event: DaemonEvent): string | undefined {
    const c = this.out.colors;
    switch (event.event) {
      case "started":
        return `sett ${event.version}, pid ${event.pid}, server ${event.server}`;
      case "registered":
        return `${c.green("✓")} registered ${c.bold(event.label)} as ${event.instance_id}`;
      case "linked":
        return `${c.green("●")} linked by ${event.transport}`;
      case "unlinked":
        return `${c.yellow("○")} link lost: ${event.detail}`;
      case "waiting": {
        // The same trouble again and again is one line; the live line shows that it goes on.
        if (event.detail === this.lastWait) return undefined;
        this.lastWait = event.detail;
        return `${c.yellow("…")} ${event.detail}; trying again in ${(event.wait_ms / 1000).toFixed(1)} s`;
      }
      case "beat":
        return undefined;
      case "command":
        return `${c.cyan("→")} command ${event.command_type} ${c.dim(event.id)}`;
      case "result":
        if (event.delivered) return undefined;
        return `${event.status === "success" ? c.green("✓") : c.red("✗")} ${event.result.split("\n")[0] ?? ""}`;
      case "process": {
        const mark = event.status === "running" ? c.green("▲") : event.status === "crashed" ? c.red("▼") : c.yellow("◆");
        return `${mark} ${c.bold(event.name)} ${event.status}${event.pid === null ? "" : ` pid ${event.pid}`} ${c.dim(event.detail)}`;
      }
      case "bot":
        return `${event.ok ? c.green("✓") : c.red("✗")} bot ${c.bold(event.account)} ${event.detail}`;
      case "governance":
        return `${event.ok ? c.green("✓") : c.red("✗")} ${event.detail}`;
      case "violation":
        return `${c.red("⊘")} ${event.kind} ${c.bold(event.subject)} ${c.dim(event.detail)}`;
      case "config":
        return `${event.ok ? c.green("✓") : c.red("✗")} ${event.detail}`;
      case "goodbye":
        return `goodbye (${event.reason})${event.left_running.length === 0 ? "" : `; still running: ${event.left_running.join(", ")}`}`;
    }
  }

  private draw(): void {
    if (this.live === undefined) return;
    const beat = this.lastBeat === undefined ? "" : `beat ${formatDuration(Date.now() - this.lastBeat)} ago`;
    const parts = [this.link, this.gateway, ...this.processes.values(), beat].filter((part) => part !== "");
    const width = Math.max(20, (process.stdout.columns || 80) - 1);
    process.stdout.write(`\r\u001b[K${this.out.colors.dim(parts.join(" · ").slice(0, width))}`);
  }

  private clear(): void {
    if (this.live !== undefined) process.stdout.write("\r\u001b[K");
  }
}
