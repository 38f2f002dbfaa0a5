import { afterEach, describe, expect, it } from "vitest";
import { ComputeError, type Compute, type Computer, type ComputeFault, type ComputerStatus } from "../../../src/kernel/ports/compute";

/**
 * What every driver must do, whatever its provider (src/kernel/ports/compute.ts). It asks the driver only, so a test file of two lines runs
 * it against a new one, a double of its provider or the provider itself. Its commands are `echo`, `cat`, `exit` and `sleep`.
 */

export interface ComputeUnderTest {
  readonly compute: Compute;
  /** Called after each test, when its computers were destroyed. */
  close?(): Promise<void>;
}

export interface ConformanceOptions {
  /** A name that no computer has. */
  readonly newTag?: () => string;
  /** Longest time, in ms, from one status to the next. */
  readonly patienceMs?: number;
}

const LOOK_EVERY_MS = 25;
const COMMAND_MS = 5_000;
const KEPT = "$HOME/sett-conformance";

/** The fault that `work` ends with; null when it ends well. */
export async function faultOf(work: Promise<unknown>): Promise<ComputeFault | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof ComputeError) return error.fault;
    throw error;
  }
}

/** @param open a driver and an account for one test */
export function testCompute(name: string, open: () => Promise<ComputeUnderTest>, { newTag = () => `sett-conformance-${crypto.randomUUID().slice(0, 8)}`, patienceMs = 20_000 }: ConformanceOptions = {}): void {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const use = async (): Promise<{ compute: Compute; make: (tag?: string) => Promise<Computer> }> => {
    const { compute, close } = await open();
    if (close) ends.push(close);
    const make = async (tag = newTag()): Promise<Computer> => {
      const computer = await compute.create({ tag, cpu: 1, ramGb: 4, diskGb: null });
      ends.push(() => compute.destroy(computer.id));
      return computer;
    };
    return { compute, make };
  };

  const become = async (compute: Compute, id: string, wanted: ComputerStatus): Promise<Computer> => {
    const endsAt = Date.now() + patienceMs;
    for (;;) {
      const computer = await compute.find(id);
      if (computer?.status === wanted) return computer;
      if (Date.now() > endsAt) throw new Error(`the computer is ${computer?.status ?? "gone"}, not ${wanted}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  };
  const vanish = async (compute: Compute, id: string): Promise<void> => {
    const endsAt = Date.now() + patienceMs;
    while ((await compute.find(id)) !== null) {
      if (Date.now() > endsAt) throw new Error("the computer is still there");
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  };

  describe(`${name}, like every driver`, () => {
    it("makes a computer that it finds by id and lists once, by its tag", async () => {
      const { compute, make } = await use();
      const tag = newTag();
      const made = await make(tag);
      expect(made.tag).toBe(tag);
      expect(await compute.find(made.id)).toMatchObject({ id: made.id, tag });
      const listed = (await compute.list()).filter((computer) => computer.tag === tag);
      expect(listed.map(({ id }) => id)).toEqual([made.id]);
      expect(compute.driver).toMatch(/^[a-z][a-z0-9-]*$/);
    });

    it("answers the computer that bears the tag instead of a second one", async () => {
      const { compute, make } = await use();
      const tag = newTag();
      const [first, second] = [await make(tag), await make(tag)];
      expect(second.id).toBe(first.id);
      expect((await compute.list()).filter((computer) => computer.tag === tag)).toHaveLength(1);
    });

    it("makes one when asked twice at once", async () => {
      const { compute, make } = await use();
      const tag = newTag();
      const asked = await Promise.allSettled([make(tag), make(tag)]);
      // One may be told that it cannot be known yet; nobody gets another.
      const ids = asked.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value.id] : []));
      expect(ids.length).toBeGreaterThan(0);
      expect(new Set(ids).size).toBe(1);
      expect((await compute.list()).filter((computer) => computer.tag === tag)).toHaveLength(1);
    });

    it("keeps computers of two tags apart", async () => {
      const { compute, make } = await use();
      const [one, other] = [await make(), await make()];
      expect(one.id).not.toBe(other.id);
      await compute.destroy(one.id);
      await vanish(compute, one.id);
      expect(await compute.find(other.id)).not.toBeNull();
    });

    it("starts a new computer by itself, and runs commands for sh there", async () => {
      const { compute, make } = await use();
      const { id } = await make();
      await become(compute, id, "running");
      expect(await compute.run(id, "# sett:conformance\necho one\necho two", COMMAND_MS)).toEqual({ exitCode: 0, output: "one\ntwo\n" });
      const failed = await compute.run(id, "echo before; exit 3; echo after", COMMAND_MS);
      expect(failed).toEqual({ exitCode: 3, output: "before\n" });
    });

    it("gives up on a command that takes too long", async () => {
      const { compute, make } = await use();
      const { id } = await make();
      await become(compute, id, "running");
      expect(await faultOf(compute.run(id, "sleep 30", 300))).toBe("unavailable");
    });

    it("stops and starts, each as often as asked", async () => {
      const { compute, make } = await use();
      const { id } = await make();
      await become(compute, id, "running");
      await compute.start(id);
      await compute.stop(id);
      await become(compute, id, "stopped");
      await compute.stop(id);
      expect(await faultOf(compute.run(id, "echo", COMMAND_MS))).toBe("not_ready");
      await compute.start(id);
      await become(compute, id, "running");
      expect(await compute.run(id, "echo up", COMMAND_MS)).toEqual({ exitCode: 0, output: "up\n" });
    });

    it("restarts with the disk as it was", async () => {
      const { compute, make } = await use();
      const { id } = await make();
      await become(compute, id, "running");
      await compute.run(id, `echo kept > ${KEPT}`, COMMAND_MS);
      await compute.restart(id);
      await become(compute, id, "running");
      expect(await compute.run(id, `cat ${KEPT}`, COMMAND_MS)).toEqual({ exitCode: 0, output: "kept\n" });
    });

    it("destroys for good, as often as asked, and frees the tag", async () => {
      const { compute, make } = await use();
      const tag = newTag();
      const { id } = await make(tag);
      await become(compute, id, "running");
      await compute.run(id, `echo old > ${KEPT}`, COMMAND_MS);
      await compute.destroy(id);
      await vanish(compute, id);
      await compute.destroy(id);
      expect((await compute.list()).filter((computer) => computer.tag === tag)).toEqual([]);
      expect(await Promise.all([compute.start(id), compute.stop(id), compute.restart(id), compute.run(id, "echo", COMMAND_MS)].map(faultOf))).toEqual(["gone", "gone", "gone", "gone"]);
      const next = await make(tag);
      expect(next.id).not.toBe(id);
      await become(compute, next.id, "running");
      expect((await compute.run(next.id, `cat ${KEPT}`, COMMAND_MS)).exitCode).not.toBe(0);
    });

    it.each([["of nobody", crypto.randomUUID()], ["that is none", "../etc"], ["that is empty", ""]])("knows no computer by an id %s", async (_, id) => {
      const { compute } = await use();
      const before = (await compute.list()).length;
      expect(await compute.find(id)).toBeNull();
      await compute.destroy(id);
      expect(await Promise.all([compute.start(id), compute.stop(id), compute.restart(id), compute.run(id, "echo", COMMAND_MS)].map(faultOf))).toEqual(["gone", "gone", "gone", "gone"]);
      expect(await compute.list()).toHaveLength(before);
    });
  });
}
