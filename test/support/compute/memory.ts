import { ComputeError, type Compute, type Computer, type ComputeFault } from "../../../src/kernel/ports/compute";

/** A provider that keeps its computers in a list, for tests in which only what is there counts. */
export class MemoryCompute implements Compute {
  readonly driver = "memory";
  readonly installsRuntime = false;
  computers: Computer[] = [];
  /** While set, every call ends so. */
  fault: ComputeFault | null = null;
  readonly destroyed: string[] = [];
  #serial = 0;

  /** Puts a computer there, however it came to be. */
  add(tag: string, fields: Partial<Computer> = {}): Computer {
    const computer: Computer = { id: `mem-${++this.#serial}-${crypto.randomUUID().slice(0, 8)}`, tag, status: "running", detail: null, createdAt: Date.now(), workspaceId: null, workspaceName: null, ...fields };
    this.computers = [...this.computers, computer];
    return computer;
  }

  #answer<T>(value: () => T): Promise<T> {
    return this.fault === null ? Promise.resolve(value()) : Promise.reject(new ComputeError(this.fault, "the provider does not answer"));
  }

  create = ({ tag }: { readonly tag: string }): Promise<Computer> => this.#answer(() => this.computers.find((one) => one.tag === tag) ?? this.add(tag));
  find = (id: string): Promise<Computer | null> => this.#answer(() => this.computers.find((one) => one.id === id) ?? null);
  list = (): Promise<readonly Computer[]> => this.#answer(() => this.computers);
  start = (): Promise<void> => this.#answer(() => undefined);
  stop = (): Promise<void> => this.#answer(() => undefined);
  restart = (): Promise<void> => this.#answer(() => undefined);
  run = (): Promise<{ exitCode: number; output: string }> => this.#answer(() => ({ exitCode: 0, output: "" }));
  destroy = (id: string): Promise<void> =>
    this.#answer(() => {
      this.computers = this.computers.filter((one) => one.id !== id);
      this.destroyed.push(id);
    });
}
