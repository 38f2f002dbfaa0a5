import { connect } from "node:net";
import { errorText } from "../core/errors";
import { ApiClient } from "../core/http";
import { isObject, numberField, stringField } from "../core/json";
import { formatAgo } from "../core/output";
import { findLockHolder } from "../daemon/lock";
import { readState } from "../daemon/state-file";
import { ContractStore, type KeptContract } from "../governance/contract-store";
import { KeyRing } from "../governance/signed-contract";
import type { CliContext } from "./context";
import type { Check } from "./doctor";

const CONNECT_LIMIT_MS = 2_000;
const SUPPORT = "tell whoever operates the tenant";

/** What `sett doctor` says of a machine that is governed: the contract, whether it is the server's, and the proxy. Nothing of others. */
export async function checkGovernance(context: CliContext): Promise<Check[]> {
  const remembered = new ContractStore(context.paths.contract).read();
  if (remembered.kind === "none") return [{ name: "governance", state: "ok", detail: "nobody governs this machine" }];
  if (remembered.kind === "broken") {
    return [{ name: "governance", state: "fail", detail: `${remembered.detail}: every domain is denied`, todo: "sett up fetches the contract again as soon as the server can be reached" }];
  }
  const { kept } = remembered;
  const { tenant, revision, released, suspended } = kept.contract;
  const detail = released ? `${tenant} released this machine (revision ${revision})` : `governed by ${tenant}, contract revision ${revision}, signature proved${suspended ? "; suspended: agents stay stopped" : ""}`;
  const checks: Check[] = [{ name: "governance", state: suspended ? "warn" : "ok", detail, ...(suspended ? { todo: SUPPORT } : {}) }, await checkSync(context, kept)];
  return released ? checks : [...checks, ...(await checkDaemonSide(context))];
}

/** Whether the server has the same contract, signed with a key that it publishes. */
async function checkSync({ auth }: CliContext, kept: KeptContract): Promise<Check> {
  const name = "contract sync";
  if (auth === undefined || auth.server !== kept.server) return { name, state: "warn", detail: "cannot be compared without a login to the server that it came from", todo: "sett login" };
  const api = new ApiClient(auth.server, auth.access_token);
  const mine = kept.contract;
  try {
    const raw = await api.call<unknown>("GET", `/api/v1/machine-contracts/${encodeURIComponent(mine.instance)}`);
    const jws = isObject(raw) ? stringField(raw, "jws") : undefined;
    if (jws === undefined) return { name, state: "fail", detail: "the server's answer holds no contract", todo: SUPPORT };
    const { contract } = await new KeyRing(api).verify(jws, mine.instance);
    if (contract.revision === mine.revision) return { name, state: "ok", detail: `the server has revision ${contract.revision} too` };
    return { name, state: "warn", detail: `the server has revision ${contract.revision}, this machine ${mine.revision}`, todo: "sett up fetches it; sett logs says what keeps it" };
  } catch (error) {
    return { name, state: "fail", detail: errorText(error), todo: SUPPORT };
  }
}

/** What only the running daemon knows. */
async function checkDaemonSide({ paths }: CliContext): Promise<Check[]> {
  const holder = findLockHolder(paths.lock);
  const state = readState(paths.state)?.["governance"];
  if (holder === undefined || !isObject(state)) return [{ name: "enforcement", state: "warn", detail: "no daemon runs, so agents started by it have no network", todo: "sett up" }];
  const checks: Check[] = [];
  const port = numberField(state, "proxy_port");
  if (port !== undefined) {
    const open = await answers(port);
    checks.push({ name: "proxy", state: open ? "ok" : "fail", detail: `127.0.0.1:${port} ${open ? "answers" : "does not answer"}`, ...(open ? {} : { todo: "sett down, then sett up" }) });
  }
  const problem = stringField(state, "problem");
  const enforcing = Array.isArray(state["enforcing"]) ? state["enforcing"].join(", ") : "";
  const synced = `contract asked for ${formatAgo(stringField(state, "synced_at"), Date.now())}`;
  if (problem !== undefined) checks.push({ name: "enforcement", state: "fail", detail: problem, todo: "sett logs says more" });
  else checks.push({ name: "enforcement", state: "ok", detail: `${enforcing === "" ? "nothing to enforce" : `enforces ${enforcing}`}; ${synced}` });
  return checks;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: CONNECT_LIMIT_MS });
    const end = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false)).once("timeout", () => end(false));
  });
}
