/** Who is signed in. The refresh token outlives the tab, the access token does not. */
import type { components } from "../../../clients/fleet.gen";

type UserProfile = components["schemas"]["UserProfileInLogin"];

export interface Session {
  refreshToken: string;
  sessionId: number | null;
  profile: UserProfile;
}

interface AccessToken {
  value: string;
  expiresAtMs: number;
}

const SESSION_KEY = "sett.session";
const ACCESS_KEY = "sett.access";

type Listener = () => void;
const listeners = new Set<Listener>();

let session: Session | null = readJson<Session>("localStorage", SESSION_KEY);
let access: AccessToken | null = readJson<AccessToken>("sessionStorage", ACCESS_KEY);

type StorageName = "localStorage" | "sessionStorage";

function findStorage(name: StorageName): Storage | null {
  try {
    return globalThis[name] ?? null;
  } catch {
    return null;
  }
}

function readJson<T>(storage: StorageName, key: string): T | null {
  try {
    const text = findStorage(storage)?.getItem(key);
    // Written only by this file; a broken value reads as "signed out".
    return text ? (JSON.parse(text) as T) : null;
  } catch {
    return null;
  }
}

function writeJson(storage: StorageName, key: string, value: unknown): void {
  try {
    if (value === null) findStorage(storage)?.removeItem(key);
    else findStorage(storage)?.setItem(key, JSON.stringify(value));
  } catch {
    // Full or blocked storage: the session lives in memory only.
  }
}

function notify(): void {
  for (const listener of listeners) listener();
}

export function findSession(): Session | null {
  return session;
}

export function findStoredAccess(): AccessToken | null {
  return access;
}

export function recordSession(next: Session, token: AccessToken): void {
  session = next;
  writeJson("localStorage", SESSION_KEY, next);
  recordAccess(token);
  notify();
}

export function recordAccess(token: AccessToken): void {
  access = token;
  writeJson("sessionStorage", ACCESS_KEY, token);
}

export function deleteSession(): void {
  session = null;
  access = null;
  writeJson("localStorage", SESSION_KEY, null);
  writeJson("sessionStorage", ACCESS_KEY, null);
  notify();
}

export function subscribeSession(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

globalThis.addEventListener?.("storage", (event) => {
  if (event.key !== SESSION_KEY && event.key !== null) return;
  const previous = session?.refreshToken;
  session = readJson<Session>("localStorage", SESSION_KEY);
  if (session?.refreshToken !== previous) {
    access = null;
    writeJson("sessionStorage", ACCESS_KEY, null);
  }
  notify();
});
