import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPackageRegistry } from "../../../src/integrations/npm/registry";
import { startPackageRegistry } from "../../support/outside-services.mjs";

let npm: Awaited<ReturnType<typeof startPackageRegistry>>;
beforeAll(async () => {
  npm = await startPackageRegistry();
  npm.packages.set("openclaw", "2026.11.3").set("@badgerclaw/connect", "0.4.0");
});
afterAll(() => npm.close());
beforeEach(() => npm.fail(""));

describe("a package registry", () => {
  it("tells the newest release by its tags alone, of scoped packages too", async () => {
    const registry = createPackageRegistry(npm.origin);
    expect(await registry.findLatest("openclaw")).toBe("2026.11.3");
    expect(await registry.findLatest("@badgerclaw/connect")).toBe("0.4.0");
    expect(npm.seen.map(({ path }) => path)).toEqual(["/-/package/openclaw/dist-tags", "/-/package/@badgerclaw%2fconnect/dist-tags"]);
  });

  it("has some packages not, which is an answer", async () => {
    expect(await createPackageRegistry(npm.origin).findLatest("badgerclaw")).toBeNull();
  });

  it("says when it does not tell", async () => {
    for (const mode of ["500", "nonsense", "huge"] as const) {
      npm.fail(mode);
      await expect(createPackageRegistry(npm.origin).findLatest("openclaw"), mode).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    }
    await expect(createPackageRegistry("http://127.0.0.1:1").findLatest("openclaw")).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
  });
});
