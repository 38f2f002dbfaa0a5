import { useSyncExternalStore } from "react";
import { findSession, subscribeSession, type Session } from "./session-store";

export function useSession(): Session | null {
  return useSyncExternalStore(subscribeSession, findSession);
}
