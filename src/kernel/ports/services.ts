import type { AppStore } from "./app-store";
import type { Ci } from "./ci";
import type { Compute } from "./compute";
import type { Matrix } from "./matrix";
import type { PackageRegistry } from "./package-registry";
import type { Payments } from "./payments";

/** What outside systems must provide. Real clients live in src/integrations; verbs see only these. */

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Mailer {
  /**
   * Hands one message over; `dedupeId` makes a repeat harmless where the provider knows such ids.
   * @throws when the provider did not take it; PermanentEffectError when it never will
   */
  send(mail: Mail, dedupeId: string): Promise<void>;
}

export interface Passwords {
  /** PHC string of a new password. */
  hash(password: string): Promise<string>;
  /** Whether `password` made `phc`. With null does the same work and answers false, so that unknown users take as long. */
  verify(password: string, phc: string | null): Promise<boolean>;
}

export interface Jobs {
  /** Puts one job on the queue; resolves when it is durable. */
  send(job: Job, delaySeconds?: number): Promise<void>;
}

/** A queue message; `id` deduplicates deliveries. */
export interface Job {
  readonly v: 1;
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
  /** When it may be handled (ms), if that is later than when it was sent: what waits on purpose is not late. */
  readonly readyAt?: number;
}

/** What a direct upload, download or removal is signed for. Times are milliseconds. */
export interface PresignRequest {
  readonly method: "PUT" | "GET" | "DELETE";
  readonly key: string;
  readonly signedAt: number;
  readonly expiresInSeconds: number;
  /** For PUT: the type and the exact size that the store must insist on. */
  readonly upload?: { readonly contentType: string; readonly sizeBytes: number };
  /** For GET: the name under which browsers save it. */
  readonly downloadName?: string;
}

export interface StoredFile {
  readonly body: ReadableStream<Uint8Array>;
  readonly contentType: string;
  readonly sizeBytes: number;
}

export interface FileStore {
  readonly bucket: string;
  /** Origin where clients reach the store directly; null when they only reach it through us. */
  readonly endpoint: string | null;
  /** Signs an address of the store itself; null when it has none. */
  readonly presign: ((request: PresignRequest) => Promise<string>) | null;
  /** Stores exactly `sizeBytes` of `body`, or nothing. @throws AppError DEPENDENCY_UNAVAILABLE; whatever `body` fails with */
  put(key: string, body: ReadableStream<Uint8Array>, meta: { readonly contentType: string; readonly sizeBytes: number }): Promise<void>;
  get(key: string): Promise<StoredFile | null>;
  /** Harmless when there is nothing. */
  delete(key: string): Promise<void>;
  /** At most a thousand keys that begin so. @throws AppError DEPENDENCY_UNAVAILABLE */
  list(prefix: string): Promise<readonly string[]>;
}

/** A push gateway's answer, as it came. */
export interface PushAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly retryAfter: string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface PushGateway {
  readonly origin: string;
  /** Hands a notification over byte for byte. @throws AppError BAD_GATEWAY when the gateway cannot be reached or does not answer in time */
  notify(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<PushAnswer>;
  isHealthy(): Promise<boolean>;
}

/** The two bits that Apple keeps for us about one device: bit0 says that it had a trial, bit1 is free. */
export interface DeviceBits {
  readonly bit0: boolean;
  readonly bit1: boolean;
}

/** What Apple said. `unavailable` is Apple's trouble or ours (then `cause` tells which), never the device's. */
export type DeviceVerdict = { readonly kind: "known"; readonly bits: DeviceBits } | { readonly kind: "bad_token" } | { readonly kind: "unavailable"; readonly cause: string };

export interface DeviceCheck {
  /** The bits of the device that made this token; both are unset on a device never seen. Never throws. */
  query(deviceToken: string): Promise<DeviceVerdict>;
  /** Sets both bits; answers what is known afterwards. Never throws. */
  update(deviceToken: string, bits: DeviceBits): Promise<DeviceVerdict>;
}

/** One turn of a conversation with a language model. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface LanguageModel {
  /**
   * The model's next turn, whole.
   * @param signal ends the upstream call when the caller goes
   * @throws AppError DEPENDENCY_UNAVAILABLE (down, too slow), BAD_GATEWAY (our key, balance or request), RATE_LIMITED, CLIENT_GONE
   */
  complete(messages: readonly ChatMessage[], signal: AbortSignal): Promise<string>;
}

export interface Services {
  /** Null when no provider is configured: operations that must send mail answer 503 before they change anything. */
  readonly mailer: Mailer | null;
  readonly passwords: Passwords;
  readonly jobs: Jobs;
  /** Null when no homeserver is configured. */
  readonly matrix: Matrix | null;
  readonly files: FileStore;
  /** Null when no gateway is configured. */
  readonly push: PushGateway | null;
  /** Null when Apple's key is not configured. */
  readonly deviceCheck: DeviceCheck | null;
  /** Null when no app of ours is configured. */
  readonly appStore: AppStore | null;
  /** Null when no model is configured. */
  readonly languageModel: LanguageModel | null;
  /** Null when no payment provider is configured. */
  readonly payments: Payments | null;
  /** Null when no workflow is configured. */
  readonly ci: Ci | null;
  /** Null when no registry is asked. */
  readonly packages: PackageRegistry | null;
  /** Null when no cloud machines are configured. */
  readonly compute: Compute | null;
}
