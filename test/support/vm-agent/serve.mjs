/** An agent of local machines as a process of its own: `node serve.mjs STATE_DIR`. Prints `{ url, token }` when it answers, and boots what should run. */
import { startVmAgent } from "../../../scripts/lib/vm-agent/agent.mjs";

const agent = await startVmAgent(process.argv[2] ?? "");
await agent.bootAll();
process.stdout.write(`${JSON.stringify({ url: agent.url, token: agent.token })}\n`);
process.on("SIGTERM", () => void agent.close().then(() => process.exit(0)));
