import { SECOND_MS } from "../../kernel/clock";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";
import type { PackageRegistry } from "../../kernel/ports/package-registry";

const TIMEOUT_MS = 10 * SECOND_MS;
/** Tags are some hundred bytes; whole packages are megabytes, and not asked for. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_VERSION = 64;

/** A registry that speaks npm's HTTP. Asks for the tags of a package only. */
export function createPackageRegistry(baseUrl: string): PackageRegistry {
  return {
    async findLatest(packageName) {
      const { status, body } = await get(`${baseUrl}/-/package/${packageName.replaceAll("/", "%2f")}/dist-tags`);
      if (status === 404) return null;
      const latest = body !== null && typeof body === "object" && "latest" in body ? body.latest : null;
      if (status !== 200 || typeof latest !== "string" || latest === "" || latest.length > MAX_VERSION) throw unavailable(`answered ${status} without a version`);
      return latest;
    },
  };
}

async function get(url: string): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    const response = await fetch(url, { headers: { accept: "application/json", "user-agent": "sett" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES));
    return { status: response.status, body: response.ok ? (JSON.parse(text) as unknown) : null };
  } catch (error) {
    throw unavailable(error instanceof Error ? error.name : "it cannot be reached");
  }
}

const unavailable = (said: string): AppError => new AppError("DEPENDENCY_UNAVAILABLE", "The package registry does not answer.", { cause: new Error(`package registry: ${said}`) });
