import { ComputeError, type Computer } from "../../kernel/ports/compute";
import type { Failure } from "./answers";
import { oldestFirst, readComputers, readWorkspace, readWorkspaces, type Workspace } from "./computers";
import type { OrgoHttp, TimeLimit } from "./http";

/** Where our computers are. */
export interface Workspaces {
  /** The one where new computers go; made when there is none. @throws ComputeError */
  ours(limit: TimeLimit): Promise<Workspace>;
  /** Orgo says that it is gone. */
  forget(): void;
  /** Every computer of every workspace that is ours, each once. @throws ComputeError */
  listComputers(limit: TimeLimit): Promise<readonly Computer[]>;
}

/** What an isolate found, by its configuration. Only a value: what waits for an answer belongs to one request. */
const found = new WeakMap<object, Workspace>();

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * @param key what the found workspace is remembered by, such as the configuration
 * @param nameOrId how the operator calls it: other people may share workspaces of any name with us, an id is nobody else's
 */
export function createWorkspaces(http: OrgoHttp, key: object, nameOrId: string): Workspaces {
  /** All that bear its name: two that were made at once both hold computers of ours. */
  const find = async (limit: TimeLimit): Promise<readonly Workspace[]> => {
    const answer = await http.call({ name: "list workspaces", method: "GET", path: "/workspaces", repeatable: true }, limit);
    if (!answer.ok) throw plain(answer);
    const all = readWorkspaces("list workspaces", answer.body);
    const byId = all.filter(({ id }) => id === nameOrId);
    const named = byId.length > 0 ? byId : all.filter(({ name }) => name === nameOrId);
    if (new Set(named.map(({ ownerId }) => ownerId)).size > 1) {
      throw new ComputeError("refused", "Orgo: list workspaces: several people's workspaces bear the configured name; ORGO_WORKSPACE must be the id of ours");
    }
    return oldestFirst(named);
  };

  return {
    async ours(limit) {
      const known = found.get(key);
      if (known) return known;
      let [oldest] = await find(limit);
      if (!oldest) {
        if (UUID.test(nameOrId)) throw new ComputeError("refused", "Orgo: list workspaces: our key sees none of the configured id");
        const answer = await http.call({ name: "create workspace", method: "POST", path: "/workspaces", body: { name: nameOrId }, repeatable: false }, limit);
        // Whatever came of it: somebody else may have made one at the same time, and all must take the same.
        [oldest] = await find(limit);
        if (!oldest && answer.ok) oldest = readWorkspace("create workspace", answer.body);
        if (!oldest && !answer.ok) throw answer.nameTaken ? new ComputeError("unavailable", "Orgo: create workspace: there is one of that name, but it is not shown", { providerRequestId: answer.error.providerRequestId }) : plain(answer);
        if (!oldest) throw new ComputeError("unavailable", "Orgo: create workspace: there is none");
      }
      found.set(key, oldest);
      return oldest;
    },

    forget: () => void found.delete(key),

    async listComputers(limit) {
      const byId = new Map<string, Computer>();
      const workspaces = await find(limit);
      // A workspace of that id is there, or was: that our key does not see it says nothing about its computers.
      if (workspaces.length === 0 && UUID.test(nameOrId)) throw new ComputeError("unavailable", "Orgo: list workspaces: our key sees none of the configured id");
      for (const workspace of workspaces) {
        const answer = await http.call({ name: "list computers", method: "GET", path: `/workspaces/${workspace.id}`, repeatable: true }, limit);
        // Deleted since, with all that was in it.
        if (!answer.ok && answer.error.fault === "gone") continue;
        if (!answer.ok) throw plain(answer);
        for (const computer of readComputers("list computers", answer.body, workspace)) if (!byId.has(computer.id)) byId.set(computer.id, computer);
      }
      return [...byId.values()];
    },
  };
}

/** `gone`, `busy` and `not_ready` are about computers. */
function plain({ error }: Failure): ComputeError {
  if (error.fault !== "gone" && error.fault !== "busy" && error.fault !== "not_ready") return error;
  return new ComputeError("unavailable", error.message, { providerRequestId: error.providerRequestId });
}
