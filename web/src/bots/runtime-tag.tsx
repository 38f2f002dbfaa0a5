import type { BotRuntime } from "./bots.types";

export const RUNTIME_NAME: Record<BotRuntime, string> = { openclaw: "OpenClaw", hermes: "Hermes" };

export function RuntimeTag({ runtime }: { runtime: BotRuntime }) {
  return <span className="rounded-md border border-line px-1.5 text-[0.6875rem] leading-[1.125rem] font-medium text-muted">{RUNTIME_NAME[runtime] ?? runtime}</span>;
}
