import { SECOND_MS } from "../../kernel/clock";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";
import type { ScannerVerdict, SkillScanner } from "../../kernel/ports/skill-scanner";

const TIMEOUT_MS = 30 * SECOND_MS;
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_FINDINGS = 200;
const SEVERITIES: ReadonlySet<string> = new Set(["critical", "high", "medium", "low"]);

type Finding = ScannerVerdict["findings"][number];

/**
 * A scanner over HTTP: the content is posted as it is, its name, version and digest are headers; the answer is
 * `{passed, scanner?, reason?, findings?: [{id, description, severity, location}]}`. What is not said clearly has not passed.
 */
export function createSkillScanner(config: { readonly url: string; readonly token: string | null }): SkillScanner {
  return {
    async scan({ name, version, sha256, contentType, bytes }) {
      const headers: Record<string, string> = {
        accept: "application/json",
        "user-agent": "sett",
        "content-type": contentType,
        "x-skill-name": encodeURIComponent(name),
        "x-skill-version": encodeURIComponent(version),
        "x-skill-digest": `sha256:${sha256}`,
        ...(config.token === null ? {} : { authorization: `Bearer ${config.token}` }),
      };
      return readVerdict(await post(config.url, headers, bytes));
    },
  };
}

async function post(url: string, headers: Record<string, string>, body: Uint8Array<ArrayBuffer>): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    // A redirect could carry our token to another host.
    response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES));
  } catch (error) {
    throw failed(error instanceof Error && error.name === "TimeoutError" ? "does not answer in time" : "cannot be reached", error);
  }
  if (response.status === 401 || response.status === 403) throw failed("refuses this service's token; its operator must check it");
  if (response.status !== 200) throw failed(`answered ${response.status}`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw failed("answered no JSON", error);
  }
}

function readVerdict(body: unknown): ScannerVerdict {
  if (body === null || typeof body !== "object" || !("passed" in body) || typeof body.passed !== "boolean") throw failed("answered no verdict");
  const { passed, scanner, reason, findings } = body as Readonly<Record<string, unknown>> & { readonly passed: boolean };
  if (findings !== undefined && !Array.isArray(findings)) throw failed("answered findings that are no list");
  const list: readonly unknown[] = Array.isArray(findings) ? findings : [];
  // The worst decide, so they are not what is cut.
  const read = list.map(readFinding).sort((a, b) => Number(isBlocking(b)) - Number(isBlocking(a)));
  return { passed, scanner: textOf(scanner, 100) ?? "external", reason: textOf(reason, 500), findings: read.slice(0, MAX_FINDINGS) };
}

const isBlocking = ({ severity }: Finding): boolean => severity === "critical" || severity === "high";

function readFinding(value: unknown): Finding {
  const { id, description, severity, location } = (value !== null && typeof value === "object" ? value : {}) as Readonly<Record<string, unknown>>;
  const level = String(severity).toLowerCase();
  return {
    id: textOf(id, 100) ?? "finding",
    description: textOf(description, 500) ?? "",
    severity: SEVERITIES.has(level) ? (level as Finding["severity"]) : "unknown",
    location: textOf(location, 200) ?? "",
  };
}

const textOf = (value: unknown, max: number): string | null => (typeof value === "string" && value !== "" ? value.slice(0, max) : null);

const failed = (why: string, cause?: unknown): AppError => new AppError("BAD_GATEWAY", `The skill scanner ${why}.`, { cause });
