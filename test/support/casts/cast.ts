import type { Operation } from "../../../src/kernel/operation";

export type Spec = Operation["spec"];

/** Open to everybody who is signed in, and to their own things only. */
export const ownersOnly = (op: Spec): boolean => op.auth.includes("user") || op.auth.includes("cliToken");

/** What the contract suite must know of a family beside its records: who may ask what, and what there is to be found. */
export interface Cast {
  /** Codes on the family's wire. */
  readonly codes: {
    readonly unauthenticated: string;
    readonly badCredential: string;
    readonly forbidden: string;
    readonly invalid: string;
    readonly tooLarge: string;
    /** For a path that no record has, or for what a record's operation does not find. */
    readonly notFound: (op: Spec | null) => string;
  };
  /** Fails unless a refusal is in the family's envelope. */
  readonly expectEnvelope: (status: number, body: Record<string, unknown>) => void;
  /** Where an invalid request is wrong, as `body.field`. */
  readonly placeOf: (body: Record<string, unknown>) => string;
  /** Somebody with a good credential. */
  readonly anybody: string;
  /** Credentials that are none. */
  readonly forged: readonly string[];
  /** Somebody whom the record admits; they take turns, since all the tries are more than one may make in a minute. */
  readonly tokenFor: (op: Spec, turn: number) => string | undefined;
  /** Good credentials of kinds that the record does not admit. */
  readonly others: (op: Spec) => readonly { readonly who: string; readonly token: string }[];
  /** Whether what the operation is about belongs to somebody, so that others must not find it. */
  readonly asksOwner: (op: Spec) => boolean;
  /** Admitted by the record, but owners of nothing. */
  readonly strangers: (op: Spec) => readonly string[];
  /** An id that somebody else owns. */
  readonly ownedId: (op: Spec, name: string) => string | undefined;
  /** An id of nothing, where a random one of the right shape will not do. */
  readonly unknownId: (name: string) => string | undefined;
  /** A body that is fine as far as its schema goes, where one is required beside a path parameter. */
  readonly bodyOf: (op: Spec) => unknown;
  /** Changes without an audit row of their own, with why. */
  readonly withoutAudit: Readonly<Record<string, string>>;
  /** Path parameters of open operations that name nobody's property, with why. */
  readonly openParameters: Readonly<Record<string, string>>;
  /** Operations that do not ask D1 whether the credential lives. */
  readonly unasked: readonly string[];
  /** Fails if any of the tries changed something. */
  readonly check: () => Promise<void>;
}
