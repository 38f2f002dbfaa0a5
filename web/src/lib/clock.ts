/** One ticking clock for the whole page. Components subscribe to a text and render again only when that text changes. */
import { useSyncExternalStore } from "react";

type Listener = () => void;
const listeners = new Set<Listener>();
let timer: ReturnType<typeof setInterval> | null = null;
let nowMs = Date.now();

function tick(): void {
  nowMs = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  if (timer === null) {
    nowMs = Date.now();
    timer = setInterval(tick, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** The result of `read` for the current second. It must be a primitive. */
export function useClock<T extends string | number | boolean | null>(read: (nowMs: number) => T): T {
  return useSyncExternalStore(subscribe, () => read(nowMs));
}
