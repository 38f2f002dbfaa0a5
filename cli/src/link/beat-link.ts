import type { Beat } from "../core/api-types";
import type { ApiClient } from "../core/http";
import type { CommandResult, Fatal } from "./frames";
import { HttpDelivery } from "./http-delivery";
import { OpenError, type Delivery, type Link, type LinkEnd, type LinkHooks, type LinkTimings } from "./link";

/** Heartbeats alone: the "link" is up as long as beats are answered. The first beat opens it. Rejects with OpenError. */
export async function openBeatLink(api: ApiClient, instanceId: string, firstBeat: () => Beat, hooks: LinkHooks, timings: LinkTimings): Promise<Link> {
  const link = new BeatLink(api, instanceId, hooks, timings);
  const delivery = await link.beat(firstBeat());
  if (delivery.kind === "ok") return link;
  if (link.fatal !== undefined) throw new OpenError({ kind: "fatal", detail: link.fatal.detail, fatal: link.fatal });
  throw new OpenError({ kind: "unreachable", detail: delivery.detail });
}

class BeatLink implements Link {
  readonly transport = "beats" as const;
  readonly closed: Promise<LinkEnd>;
  fatal: Fatal | undefined;
  private end: (end: LinkEnd) => void = () => undefined;
  private readonly http: HttpDelivery;

  constructor(api: ApiClient, instanceId: string, hooks: LinkHooks, timings: LinkTimings) {
    this.closed = new Promise((resolve) => (this.end = resolve));
    const onFatal = (fatal: Fatal): void => {
      this.fatal = fatal;
      this.end({ kind: "fatal", fatal });
    };
    this.http = new HttpDelivery(api, instanceId, hooks, onFatal, timings.answerMs);
  }

  async beat(beat: Beat): Promise<Delivery> {
    const delivery = await this.http.beat(beat);
    if (delivery.kind === "retry") this.end({ kind: "lost", detail: delivery.detail });
    return delivery;
  }

  ack(id: string): Promise<Delivery> {
    return this.http.ack(id);
  }

  result(id: string, result: CommandResult): Promise<Delivery> {
    return this.http.result(id, result);
  }

  async goodbye(limitMs: number): Promise<void> {
    await this.http.goodbye(limitMs);
    this.close();
  }

  close(): void {
    this.end({ kind: "lost", detail: "closed by this side" });
  }
}
