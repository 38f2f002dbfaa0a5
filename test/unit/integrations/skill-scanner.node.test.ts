import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSkillScanner } from "../../../src/integrations/skill-scanner/scanner";

let reply: (answer: ServerResponse) => void;
let url: string;
const seen: { method: string; headers: IncomingHttpHeaders; body: string }[] = [];
const server = createServer((request, answer) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    seen.push({ method: request.method ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() });
    reply(answer);
  });
});
beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/scan`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const skill = { name: "Löcher graben", version: "1.0", sha256: "ab".repeat(32), contentType: "text/markdown; charset=utf-8", bytes: new TextEncoder().encode("# Dig") as Uint8Array<ArrayBuffer> };
const answers = (body: unknown, status = 200): void => {
  reply = (answer) => answer.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
};

describe("a scanner elsewhere", () => {
  it("gets the content with what it is, and says what it found, the worst first", async () => {
    answers({ passed: false, scanner: "watcher 2", reason: "bad", findings: [{ severity: "LOW" }, { id: "x", description: "leaks", severity: "Critical", location: "line 3" }, { severity: "odd" }] });
    expect(await createSkillScanner({ url, token: "secret" }).scan(skill)).toEqual({
      passed: false,
      scanner: "watcher 2",
      reason: "bad",
      findings: [
        { id: "x", description: "leaks", severity: "critical", location: "line 3" },
        { id: "finding", description: "", severity: "low", location: "" },
        { id: "finding", description: "", severity: "unknown", location: "" },
      ],
    });
    expect(seen.at(-1)).toMatchObject({ method: "POST", body: "# Dig", headers: { authorization: "Bearer secret", "content-type": skill.contentType, "x-skill-name": "L%C3%B6cher%20graben", "x-skill-version": "1.0", "x-skill-digest": `sha256:${skill.sha256}` } });
    answers({ passed: true });
    expect(await createSkillScanner({ url, token: null }).scan(skill)).toEqual({ passed: true, scanner: "external", reason: null, findings: [] });
    expect(seen.at(-1)?.headers.authorization).toBeUndefined();
  });

  it("that does not answer clearly has passed nothing", async () => {
    const scan = () => createSkillScanner({ url, token: "secret" }).scan(skill);
    for (const [body, status] of [["", 500], ["", 200], ["no", 200], [{}, 200], [{ passed: "true" }, 200], [{ passed: true, findings: {} }, 200], [{ passed: true }, 201], [{ passed: true }, 401], [" ".repeat(300_000), 200]] as const) {
      answers(body, status);
      const error: unknown = await scan().then(() => null, (failure: unknown) => failure);
      expect(error, JSON.stringify([typeof body, status])).toMatchObject({ code: "BAD_GATEWAY" });
      expect(String(error)).not.toContain("secret");
    }
    reply = (answer) => answer.writeHead(302, { location: url }).end();
    await expect(scan()).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    reply = (answer) => answer.destroy();
    await expect(scan()).rejects.toMatchObject({ message: "The skill scanner cannot be reached." });
    await expect(createSkillScanner({ url: "http://127.0.0.1:1", token: null }).scan(skill)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
  });
});
