import { instanceObject } from "../../../durable-objects/stubs";
import type { HeartbeatPayload } from "../../../durable-objects/instance/machine.rpc";
import { beatOf } from "../machines";
import { ask } from "./http";
import { orgo } from "./provider";
import { bindings } from "./time";

/** What a set-up gives to a machine. */
interface Setup {
  readonly instance_id: string;
  readonly fingerprint: string;
  readonly token: string;
  readonly label: string;
  readonly env: Readonly<Record<string, string>>;
}

export type Scene = Awaited<ReturnType<typeof orgo.scene>>;

interface Daemon {
  readonly setup: Setup;
  readonly userId: number;
  readonly tokenId: string;
}

/**
 * The daemons of the provider's computers: each runs while its computer does and was set up, registers with what it was given, and beats.
 * A test may silence one.
 */
export class Daemons {
  readonly #started = new Map<string, Daemon & { readonly boots: number; readonly setups: number }>();
  /** Secrets that set-ups carried. */
  readonly secrets = new Set<string>();
  /** Computers whose daemon hangs. */
  readonly silent = new Set<string>();

  forget(): void {
    this.#started.clear();
    this.silent.clear();
  }

  /** Every daemon that can beat does. @param running what the provider runs now */
  async live(running: Scene["daemons"]): Promise<void> {
    const here = new Set(running.map(({ id }) => id));
    for (const id of this.#started.keys()) if (!here.has(id)) this.#started.delete(id);
    for (const { id, setup, boots, setups } of running) {
      if (this.silent.has(id)) continue;
      const known = this.#started.get(id);
      if (known?.boots === boots && known.setups === setups) continue;
      const started = await this.#start(setup as unknown as Setup);
      if (started) this.#started.set(id, { ...started, boots, setups });
      else this.#started.delete(id);
    }
    await this.beat();
  }

  /** Those that run beat once more. */
  async beat(): Promise<void> {
    await Promise.all([...this.#started].flatMap(([id, daemon]) => (this.silent.has(id) ? [] : [this.#beat(daemon)])));
  }

  /** What an object's alarm does in real time: it notices that nobody beats any more. */
  async ring({ tenant_id: userId, instance_id: instanceId }: { readonly tenant_id: number; readonly instance_id: string }): Promise<void> {
    await instanceObject(bindings, { userId, instanceId }).getSummary({ userId, instanceId });
  }

  async #start(setup: Setup): Promise<Daemon | null> {
    this.secrets.add(setup.token);
    for (const value of Object.values(setup.env)) this.secrets.add(value);
    const row = await bindings.DB.prepare("SELECT id, tenant_id FROM cli_tokens WHERE token_hash = ? AND revoked_at IS NULL").bind(await sha256(setup.token)).first<{ id: string; tenant_id: number }>();
    // Its token is dead: it is refused whatever it asks, and asks no more.
    if (!row) return null;
    const registered = await ask("POST", "/api/v1/openclaw/register", { token: setup.token, body: { instance_id: setup.instance_id, label: setup.label, version: "1.0.0", machine_fingerprint: setup.fingerprint } });
    if (registered.status !== 200) return null;
    return { setup, userId: row.tenant_id, tokenId: row.id };
  }

  async #beat({ setup, userId, tokenId }: Daemon): Promise<void> {
    const ref = { userId, instanceId: setup.instance_id };
    await instanceObject(bindings, ref).beat(ref, { tokenId, expiresAt: null }, beatOf(setup.instance_id) as unknown as HeartbeatPayload);
  }
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
