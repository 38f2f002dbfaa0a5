import type { CiConfig } from "../../kernel/config";
import { SECOND_MS } from "../../kernel/clock";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";
import { createLogger } from "../../kernel/logging/logger";
import type { Ci } from "../../kernel/ports/ci";

const TIMEOUT_MS = 10 * SECOND_MS;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REASON = 300;
const DEFAULT_RETRY_SECONDS = 60;
const MAX_RETRY_SECONDS = 3_600;

/** GitHub Actions: `workflow_dispatch` of one workflow (docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event). */
export function createGithubActions(config: CiConfig): Ci {
  const [owner = "", name = ""] = config.repository.split("/");
  const url = `${config.baseUrl}/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/actions/workflows/${encodeURIComponent(config.workflow)}/dispatches`;
  return {
    target: { repository: config.repository, workflow: config.workflow, ref: config.ref },
    async dispatch(inputs) {
      const { status, headers, text } = await post(url, config.token, { ref: config.ref, inputs });
      if (status === 204 || status === 200) return { kind: "started" };
      if (status === 422) return { kind: "refused", reason: messageOf(text) };
      throw failure(status, headers);
    },
  };
}

async function post(url: string, token: string, body: unknown): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28", "user-agent": "sett", "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
      // A redirect could carry our token to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, headers: response.headers, text: fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES)) };
  } catch (error) {
    throw unavailable(error instanceof Error ? error.name : "it cannot be reached", DEFAULT_RETRY_SECONDS);
  }
}

/** Whose fault an answer other than success is. GitHub says 403 or 429 when there were too many, then with a time to wait. */
function failure(status: number, headers: Headers): AppError {
  const wait = Number(headers.get("retry-after") ?? "");
  const isLimit = status === 429 || (status === 403 && (wait > 0 || headers.get("x-ratelimit-remaining") === "0"));
  if (isLimit) return unavailable(`answered ${status}, too many requests`, wait > 0 ? Math.min(wait, MAX_RETRY_SECONDS) : DEFAULT_RETRY_SECONDS);
  if (status === 401 || status === 403 || status === 404) {
    createLogger({}).error("GitHub refuses the dispatch: check GITHUB_DISPATCH_TOKEN (Actions: write), GITHUB_DISPATCH_REPO and GITHUB_DISPATCH_WORKFLOW", { event: "ci.refused", status });
    return new AppError("BAD_GATEWAY", "GitHub refuses this service's token, or has no such workflow; its operator must check them.", { cause: new Error(`GitHub answered ${status}`) });
  }
  return unavailable(`answered ${status}`, DEFAULT_RETRY_SECONDS);
}

const unavailable = (said: string, retryAfterSeconds: number): AppError => new AppError("DEPENDENCY_UNAVAILABLE", "GitHub does not start workflows right now; try again shortly.", { retryAfterSeconds, cause: new Error(`GitHub: ${said}`) });

function messageOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    const message = body !== null && typeof body === "object" && "message" in body ? body.message : null;
    if (typeof message === "string" && message !== "") return message.slice(0, MAX_REASON);
  } catch {
    // Then it has no words.
  }
  return "GitHub does not take this reference or these inputs";
}
