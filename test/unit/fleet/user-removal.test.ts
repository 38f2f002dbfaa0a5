import { describe, expect, it } from "vitest";
import { removalSteps } from "../../../src/fleet/user-removal/removal-steps";

/** Files of one prefix; each page holds one. */
function filesOf(count: number) {
  const keys = Array.from({ length: count }, (_, i) => `skills/1/${i}`);
  const files = {
    list: async (prefix: string) => keys.filter((key) => key.startsWith(prefix)).slice(0, 1),
    delete: async (key: string) => void keys.splice(keys.indexOf(key), 1),
  };
  return { keys, run: () => removalSteps.files({ services: { files } } as never, { id: 1 } as never) };
}

describe("the files of somebody who is removed", () => {
  it("are all gone when the step says so", async () => {
    for (const count of [0, 1, 50]) {
      const { keys, run } = filesOf(count);
      expect(await run(), String(count)).toMatchObject({ ok: true });
      expect(keys).toEqual([]);
    }
  });

  it("that are too many for one request make the step fail", async () => {
    const { keys, run } = filesOf(51);
    expect(await run()).toMatchObject({ ok: false, detail: expect.stringContaining("there are more") as unknown });
    expect(keys).toHaveLength(1);
    expect(await run()).toMatchObject({ ok: true });
  });
});
