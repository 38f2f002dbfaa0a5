/**
 * What a provider of virtual machines must do. A driver is one folder of src/integrations with this interface; see docs/design/cloud-vms.md
 * for how to add one. Verbs see only this. A "computer" is the provider's, a "machine" ours: a computer on which our daemon runs.
 *
 * Every call is time-limited by the driver and ends in one of three ways: a value; a {@link ComputeError} that says what is certain; nothing
 * else. Calls may be repeated: `create` by its tag, the others because they ask for a state.
 */
export interface Compute {
  /** Name of the driver: `orgo`, `process`. Stored beside each machine. */
  readonly driver: string;
  /** Whether machines there are to get OpenClaw beside our daemon. */
  readonly installsRuntime: boolean;
  /**
   * Makes a computer, started and never stopping by itself, named `spec.tag`. A computer of that name is answered instead of a second one, as
   * far as the provider can tell; what slips through, the reconciler finds by its tag.
   * @throws ComputeError `refused`, `capacity`, `unauthorized` (nothing was made), `unavailable` (it may have been made)
   */
  create(spec: ComputerSpec): Promise<Computer>;
  /** Null only when the provider said that there is none. @throws ComputeError `unavailable`, `unauthorized` */
  find(computerId: string): Promise<Computer | null>;
  /** Every computer where ours are made, ours or not; each once. @throws ComputeError `unavailable`, `unauthorized` */
  list(): Promise<readonly Computer[]>;
  /** Harmless when it runs. @throws ComputeError */
  start(computerId: string): Promise<void>;
  /** Harmless when it is stopped. @throws ComputeError */
  stop(computerId: string): Promise<void>;
  /** Off and on again, with its disk as it was. @throws ComputeError `gone` when there is none */
  restart(computerId: string): Promise<void>;
  /** For ever, disk and all. Returns once the provider has taken it or says that there is none. @throws ComputeError `unavailable`, `unauthorized` */
  destroy(computerId: string): Promise<void>;
  /**
   * Runs a command for `sh` as the machine's administrator and waits for its end, `timeoutMs` at most. What takes longer must put itself in
   * the background. Secrets are in `command` only in a form that never shows in a list of processes.
   * @throws ComputeError `not_ready` while the computer is not up yet, `gone`, `unavailable` (it may have run)
   */
  run(computerId: string, command: string, timeoutMs: number): Promise<RunResult>;
}

export interface ComputerSpec {
  /** Its name at the provider, chosen by us before the call. */
  readonly tag: string;
  /** Cores. */
  readonly cpu: number;
  /** GiB. */
  readonly ramGb: number;
  /** GiB; null takes the provider's default. */
  readonly diskGb: number | null;
}

/** `error`: it will not come up by itself. */
export type ComputerStatus = "creating" | "starting" | "running" | "stopping" | "stopped" | "restarting" | "suspended" | "deleting" | "error";

export interface Computer {
  readonly id: string;
  /** The name that it was made with. */
  readonly tag: string;
  readonly status: ComputerStatus;
  /** What the provider says beside the status, for people; null when nothing. */
  readonly detail: string | null;
  /** ms; null when the provider does not tell. */
  readonly createdAt: number | null;
  /** Where the provider keeps it; null where there is no such thing. */
  readonly workspaceId: string | null;
  readonly workspaceName: string | null;
}

export interface RunResult {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * `refused`: the provider says no to what we ask, for good. `capacity`: it has or sells us no room now. `unauthorized`: our key is wrong.
 * `gone`: there is no such computer. `not_ready`: it is not up yet. `busy`: it is doing something else (409). `unavailable`: no answer, or
 * none that says what happened.
 */
export type ComputeFault = "refused" | "capacity" | "unauthorized" | "gone" | "not_ready" | "busy" | "unavailable";

/** A call of the provider that did not give what was asked for. Its message is for owners and logs: no secrets, no addresses of ours. */
export class ComputeError extends Error {
  readonly fault: ComputeFault;
  /** The provider's id of the request, for its support. */
  readonly providerRequestId: string | null;

  constructor(fault: ComputeFault, message: string, options: { readonly cause?: unknown; readonly providerRequestId?: string | null } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "ComputeError";
    this.fault = fault;
    this.providerRequestId = options.providerRequestId ?? null;
  }
}
