import { readFileSync } from "node:fs";
import { arch, cpus, freemem, hostname, loadavg, platform, totalmem, uptime } from "node:os";

const MIB = 1024 * 1024;

export interface MachineFacts {
  readonly hostname: string;
  readonly os: string;
  readonly arch: string;
  readonly memFreeMb: number;
  readonly memTotalMb: number;
  readonly load1: number;
  readonly cpuCount: number;
  readonly uptimeSeconds: number;
}

/** MemAvailable of /proc/meminfo in bytes; undefined when the kernel does not say. Pure. */
export function parseMemAvailable(meminfo: string): number | undefined {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo);
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** The figures of this machine, read now. Memory in MiB; on Linux "free" is what can be had without swapping. */
export function readMachineFacts(): MachineFacts {
  return {
    hostname: hostname(),
    os: platform(),
    arch: arch(),
    memFreeMb: Math.round(freeBytes() / MIB),
    memTotalMb: Math.round(totalmem() / MIB),
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    cpuCount: cpus().length,
    uptimeSeconds: Math.round(uptime()),
  };
}

function freeBytes(): number {
  if (platform() !== "linux") return freemem();
  try {
    return parseMemAvailable(readFileSync("/proc/meminfo", "utf8")) ?? freemem();
  } catch {
    return freemem();
  }
}
