import type { z } from "zod";
import type { Actor } from "./auth/actor";
import type { Ctx, OwnerCtx } from "./context";
import type { LimitClass } from "./rate-limit/rate-limit";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/**
 * Kinds of credential an operation takes. `none` needs none; `user` is a person's access token; `cliToken` a CLI's; `admin` is
 * the token of a person who is an administrator now, `superadmin` of one who may do everything. The others are known to the
 * authenticator of their family: `operator` runs the organisation, `session` is a browser session of anybody, `tenant` speaks for
 * one tenant, `modelKey` spends a tenant's budget.
 */
export type AuthKind = OwnerKind | "none" | "operator" | "session" | "tenant" | "modelKey";
type OwnerKind = "user" | "cliToken" | "admin" | "superadmin";

type Schema = z.ZodType;
type Output<S> = S extends Schema ? z.output<S> : undefined;

/**
 * An operation as a value: everything the pipeline, the OpenAPI document and the contract tests need to know about one
 * method and path.
 */
export interface OperationSpec<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined, O extends Schema | undefined> {
  /** `family.feature.verb` */
  readonly id: `${string}.${string}.${string}`;
  readonly method: Method;
  /** Full path with `{parameters}`. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly auth: readonly AuthKind[];
  /** What else proves who asks, such as a webhook's shared secret: refused before anything of the input is read. @throws AppError */
  readonly admit?: (ctx: Ctx, headers: Headers) => Promise<void>;
  /** `?token=` is taken as credential too: `EventSource` cannot send headers. Never logged. */
  readonly tokenInQuery?: boolean;
  /** Asks D1 whether the credential still lives. Off only where an object vouches for it. Default true. */
  readonly live?: boolean;
  readonly limit: LimitClass;
  /** For `credential` limits: the identifier (a name in the input, or the caller) whose tries are counted too. */
  readonly limitBy?: (input: { params: Output<P>; body: Output<B>; actor: Actor }) => string | null;
  /** Honours `Idempotency-Key`: a repeat gets the first answer. */
  readonly idempotent?: boolean;
  /** Action of the audit row that the verb commits with its change. Required of operations that change D1. */
  readonly audit?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The body may be missing or `null`. */
  readonly bodyOptional?: boolean;
  /** Most bytes of body; 64 KiB unless told. */
  readonly maxBodyBytes?: number;
  readonly output?: O;
  /** Status of success; 200 unless told. */
  readonly status?: 200 | 201 | 202 | 204 | 302;
  /** Answers that are neither its success nor a refusal, by status, with what they hold: not ready yet (202), look elsewhere (302). Null holds nothing. */
  readonly otherwise?: Readonly<Partial<Record<202 | 302, Schema | null>>>;
  /** Statuses of refusals beyond those that the rest of the record tells, for the API document. */
  readonly errors?: readonly number[];
  /** Content type of success when it is no JSON (streams). */
  readonly produces?: string;
}

export interface OperationInput<P, Q, B> {
  readonly params: Output<P>;
  readonly query: Output<Q>;
  readonly body: Output<B>;
  /** The raw request, for streams and sockets only. */
  readonly request: Request;
}

/** Answers are data: handlers may return what they do not own, so every level is readonly. */
type Readonlyed<T> = T extends readonly (infer U)[] ? readonly Readonlyed<U>[] : T extends object ? { readonly [K in keyof T]: Readonlyed<T[K]> } : T;

type Handler<P, Q, B, O, C> = (input: OperationInput<P, Q, B>, ctx: C) => Promise<(O extends Schema ? Readonlyed<z.input<O>> : void) | Response>;

/** A record with its handler; what registries, mounting and generators work with. */
export interface Operation {
  readonly spec: OperationSpec<Schema | undefined, Schema | undefined, Schema | undefined, Schema | undefined>;
  readonly handle: (input: { params: unknown; query: unknown; body: unknown; request: Request }, ctx: Ctx) => Promise<unknown>;
}

/**
 * Declares an operation: `operation({...}).handle(({ body }, ctx) => createThing(ctx, body))`.
 * With an owner's credential required the handler's context is an {@link OwnerCtx}; the pipeline has checked it by then.
 */
export function operation<
  const A extends readonly AuthKind[],
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
  O extends Schema | undefined = undefined,
>(spec: OperationSpec<P, Q, B, O> & { readonly auth: A }) {
  type HandlerCtx = A[number] extends OwnerKind ? OwnerCtx : Ctx;
  return {
    handle(handler: Handler<P, Q, B, O, HandlerCtx>): Operation {
      // The pipeline parses with these very schemas and authenticates with this very `auth` before it calls, so the erased types hold.
      return { spec: spec as Operation["spec"], handle: handler as unknown as Operation["handle"] };
    },
  };
}

/** A feature loaded on first use, and the path prefixes that it serves. */
export interface FeatureEntry {
  readonly name: string;
  /** Longest matching prefix wins; a prefix without trailing slash also matches itself exactly. */
  readonly prefixes: readonly string[];
  readonly load: () => Promise<{ readonly operations: readonly Operation[] }>;
}
