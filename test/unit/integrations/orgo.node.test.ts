import { describe, expect, it } from "vitest";
import { readAnswer, type Failure } from "../../../src/integrations/orgo/answers";
import { isId, oldestFirst, readComputer, readComputers, readWorkspaces } from "../../../src/integrations/orgo/computers";
import { ComputeError } from "../../../src/kernel/ports/compute";

const KEY = "sk_live_0123456789abcdef";
const answer = (status: number, body: unknown, requestId: string | null = null) => readAnswer({ name: "create" }, { status, text: typeof body === "string" ? body : JSON.stringify(body), requestId }, KEY);

function failure(status: number, body: unknown, requestId: string | null = null): Failure {
  const read = answer(status, body, requestId);
  if (read.ok) throw new Error("it is a success");
  return read;
}

describe("an answer", () => {
  it.each([
    [400, { error: "Desktop instance not available" }, "not_ready"],
    [400, { error: "Computer instance not available." }, "not_ready"],
    [400, { error: "name is required" }, "refused"],
    [401, { error: "Invalid API key." }, "unauthorized"],
    [402, { error: "Insufficient credits" }, "capacity"],
    [402, "<html>", "capacity"],
    [403, { error: "workspace_scope_mismatch" }, "unauthorized"],
    [404, { error: "Computer not found" }, "gone"],
    [405, "", "refused"],
    [408, { error: "timed out" }, "unavailable"],
    [409, { error: "Conflict" }, "busy"],
    [413, { error: "too large" }, "refused"],
    [422, { error: "no" }, "refused"],
    [425, "", "unavailable"],
    [429, { error: "Too many requests" }, "unavailable"],
    [500, { error: "Internal server error", upstream_status: 500 }, "unavailable"],
    [503, { error: "Could not reach the desktop. Try again in a moment." }, "unavailable"],
    [504, "", "unavailable"],
    [302, "", "unavailable"],
  ])("%i %j is %s", (status, body, fault) => {
    expect(failure(status, body).error.fault).toBe(fault);
  });

  it.each([400, 401, 403, 404, 409, 418, 422])("%i that is none of Orgo's says nothing", (status) => {
    for (const body of ["", "<html>404</html>", "null", "[]", '"no"', { message: "no route" }, { error: { code: 1 } }]) expect(failure(status, body).error.fault).toBe("unavailable");
  });

  it.each([401, 403, 404])("%i of the desktop's agent says nothing of the computer", (status) => {
    expect(failure(status, { error: "no", upstream_status: status }).error.fault).toBe("unavailable");
  });

  it.each([[200, "<html>"], [200, "[]"], [200, "7"], [201, '{"id":'], [200, { success: false }]])("%i %j is no success", (status, body) => {
    expect(failure(status, body).error.fault).toBe("unavailable");
  });

  it("without a body is a success where nothing is expected", () => {
    expect([answer(204, ""), answer(200, " \n")]).toEqual([{ ok: true, body: {} }, { ok: true, body: {} }]);
    expect(answer(200, { success: true, status: "starting" })).toEqual({ ok: true, body: { success: true, status: "starting" } });
  });

  it("tells that a name is taken, in all the words for it", () => {
    expect([
      failure(409, { error: 'A computer named "a" already exists in this workspace' }),
      failure(400, { error: "A workspace with this name already exists" }),
      failure(500, { error: 'duplicate key value violates unique constraint "desktops_project_name_unique"' }),
      failure(400, { error: "name is required" }),
    ].map(({ nameTaken }) => nameTaken)).toEqual([true, true, true, false]);
  });

  it("carries the id of the request, if it looks like one", () => {
    expect([failure(500, { error: "x", request_id: "f0c2-1" }, "h-1"), failure(500, "", "h-1"), failure(500, { error: "x", request_id: "a b" }), failure(500, "", "<script>")].map(({ error }) => error.providerRequestId)).toEqual(["f0c2-1", "h-1", null, null]);
  });

  it("passes on what helps, and no secret, address or script", () => {
    const { message } = failure(422, { error: `ram must be 4 (${KEY}) see https://orgo.ai/x?key=1 c2VjcmV0LXRoYXQtbm9ib2R5LXNlZXM\n\u0007bell` }).error;
    expect(message).toBe("Orgo: create: it answered 422: ram must be 4 (…) see … … bell");
    expect(failure(422, { error: "x ".repeat(500) }).error.message.length).toBeLessThan(300);
    for (const status of [401, 500]) expect(failure(status, { error: "whatever" }).error.message).toBe(`Orgo: create: it answered ${status}`);
  });

  it("to a call with secrets passes on nothing", () => {
    const read = readAnswer({ name: "run", confidential: true }, { status: 400, text: JSON.stringify({ error: "sh: sk-ant-1: not found", upstream_status: 400 }), requestId: null }, KEY);
    expect(read).toMatchObject({ ok: false, error: { fault: "refused", message: "Orgo: run: it answered 400" } });
  });
});

describe("a computer", () => {
  const told = { id: "a3bb189e-8bf9-3888-9912-ace4e6543002", name: "sett-a", status: "running", created_at: "2026-04-07T10:35:00Z", project_name: "sett", vnc_password: "a06db12a", connection_url: "https://www.orgo.ai/desktops/a3881618" };
  const unavailable = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (error instanceof ComputeError) return error.fault === "unavailable";
      throw error;
    }
    return false;
  };

  it("is what we know of it, and no more", () => {
    expect(readComputer("find", told)).toEqual({ id: told.id, tag: "sett-a", status: "running", detail: null, createdAt: Date.UTC(2026, 3, 7, 10, 35), workspaceId: null, workspaceName: "sett" });
  });

  it.each([["provisioning", "creating"], ["Running", "running"], ["paused", "suspended"], ["failed", "error"], ["deleted", "deleting"], ["hibernating", "starting"], ["constructor", "starting"]])("that is %s is %s to us, and the word is kept", (word, status) => {
    expect(readComputer("find", { ...told, status: word })).toMatchObject({ status, detail: word });
  });

  it("is told with what went wrong, without addresses", () => {
    expect(readComputer("find", { ...told, status: "error", status_message: "no host at https://10.0.0.1/x" }).detail).toBe("no host at …");
  });

  it("that makes no sense is none", () => {
    for (const from of [null, [], "x", { ...told, id: 7 }, { ...told, id: "../x" }, { ...told, name: null }, { ...told, status: undefined }]) expect(unavailable(() => readComputer("find", from))).toBe(true);
    expect(unavailable(() => readComputer("find", told, { id: "another" }))).toBe(true);
    expect(readComputer("find", { ...told, created_at: "soon" }).createdAt).toBeNull();
  });

  it("is in a list once, and without a list nothing is known", () => {
    const workspace = { id: "w", name: "sett", ownerId: null, createdAt: null };
    expect(readComputers("list", { desktops: [told, told], computers: [told, { ...told, id: "b" }] }, workspace).map(({ id }) => id)).toEqual([told.id, "b"]);
    for (const body of [{}, { desktops: null }, { desktops: {} }, { desktops: [told, null] }]) expect(unavailable(() => readComputers("list", body, workspace))).toBe(true);
    for (const body of [{}, { workspaces: {} }, { workspaces: [{ id: "w" }] }]) expect(unavailable(() => readWorkspaces("list", body))).toBe(true);
    expect(readWorkspaces("list", { projects: [{ id: "w", name: "sett" }] })).toEqual([workspace]);
  });
});

describe("ids and ages", () => {
  it("take no text that could leave its place in a path", () => {
    expect(["a-1_B", "", ".", "..", "a/b", "a?b", "a%2f", "a b", "a".repeat(129), 7, null].map(isId)).toEqual([true, ...Array.from({ length: 10 }, () => false)]);
  });

  it("bring everybody to the same, in whatever order they are told", () => {
    const items = [{ id: "c", createdAt: 2 }, { id: "b", createdAt: 1 }, { id: "a", createdAt: 1 }, { id: "0", createdAt: null }];
    for (const told of [items, items.toReversed()]) expect(oldestFirst(told).map(({ id }) => id)).toEqual(["a", "b", "c", "0"]);
  });
});
