import type { Actor } from "./auth/actor";
import type { Config } from "./config";
import type { Ctx } from "./context";
import type { SealedColumn } from "./db/sealed-column";
import type { AppError } from "./errors/app-error";
import type { JobHandlers } from "./jobs/consume";
import type { FeatureEntry, OperationSpec } from "./operation";
import type { EffectHandlers } from "./outbox/drain";

/** Finds and enqueues; never does the work itself. */
export type CronJob = (ctx: Ctx) => Promise<void>;

type JsonSchema = Readonly<Record<string, unknown>>;

/** How a family's failures look: one place that renders them, and what its API document says of them. */
export interface FamilyWire {
  /** Always has a body. */
  readonly renderError: (error: AppError, requestId: string) => Response;
  /** Status of input that does not fit. */
  readonly invalidStatus: 400 | 422;
  /** Status of a credential that is forged, unknown or expired; without any it is 401. */
  readonly badCredentialStatus: 401 | 403;
  /** Named schemas of its error bodies. */
  readonly errorSchemas: Readonly<Record<string, JsonSchema>>;
  /** Which of them a status answers with. */
  readonly errorSchemaOf: (status: number) => string;
}

/** Looks at a request that an operation's record guards. @throws AppError when nobody whom the record admits is asking */
export type FamilyAuthenticator = (ctx: Ctx, request: Request, auth: OperationSpec<undefined, undefined, undefined, undefined>["auth"]) => Promise<Actor>;

/** One of the API families: everything that the application, the queue, the cron and the generators need to know of it. */
export interface Family {
  /** First part of its operations' ids. */
  readonly name: string;
  readonly title: string;
  readonly features: readonly FeatureEntry[];
  /** Where its API document is served; the file is `openapi/<name>.json`. */
  readonly documentPath: `/${string}`;
  /** Tag under which the document lists itself; without one it does not. */
  readonly documentTag?: string;
  /** What each tag of its operations is about. */
  readonly tags: Readonly<Record<string, string>>;
  readonly wire: FamilyWire;
  /** Who is asking, where its credentials are others than the kernel's own. */
  readonly authenticate?: FamilyAuthenticator;
  /** Clients of outside systems that only this family uses; they join the services of every context. */
  readonly services?: (config: Config) => object;
  /** Queue message type → handler. */
  readonly jobs: JobHandlers;
  /** Outbox effect type → handler. */
  readonly effects: EffectHandlers;
  /** Effects that whoever looks right after the answer must see done. */
  readonly promptEffects: ReadonlySet<string>;
  /** Columns of its tables that hold sealed values. */
  readonly sealedColumns: () => Promise<readonly SealedColumn[]>;
  /** Cron string of wrangler.toml → its jobs by name. */
  readonly crons: Readonly<Record<string, Readonly<Record<string, CronJob>>>>;
}
