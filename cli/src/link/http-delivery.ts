import type { ApiAnswer, ApiClient } from "../core/http";
import { detailText } from "../core/http";
import { errorText } from "../core/errors";
import { isObject, stringField } from "../core/json";
import type { Beat, HeartbeatBody } from "../core/api-types";
import { fatalFromStatus, parseCommands, parseContractRef, type CommandResult, type Fatal } from "./frames";
import type { Delivery, LinkHooks } from "./link";

/** Beats, acknowledgements and results over plain HTTP, shared by the stream and beat transports. */
export class HttpDelivery {
  constructor(
    private readonly api: ApiClient,
    private readonly instanceId: string,
    private readonly hooks: LinkHooks,
    private readonly onFatal: (fatal: Fatal) => void,
    private readonly answerMs: number,
  ) {}

  async beat(beat: Beat): Promise<Delivery> {
    const body: HeartbeatBody = { instance_id: this.instanceId, ...beat };
    const answer = await this.post("/api/v1/dashboard/heartbeat", body);
    if (!("status" in answer)) return answer;
    const delivery = this.judge(answer, true);
    if (delivery.kind === "ok") {
      const interval = Number(answer.headers.get("x-beat-interval") ?? "");
      if (Number.isFinite(interval) && interval > 0) this.hooks.onInterval(interval * 1000);
      if (isObject(answer.body)) {
        this.hooks.onCommands(parseCommands(answer.body["pending_commands"]));
        const contract = parseContractRef(answer.body["contract"]);
        if (contract !== undefined) this.hooks.onContract(contract);
      }
    }
    return delivery;
  }

  async ack(id: string): Promise<Delivery> {
    const answer = await this.post(`/api/v1/dashboard/commands/${encodeURIComponent(id)}/ack`, undefined);
    return "status" in answer ? this.judge(answer, false) : answer;
  }

  async result(id: string, result: CommandResult): Promise<Delivery> {
    const answer = await this.post(`/api/v1/dashboard/commands/${encodeURIComponent(id)}/result`, result);
    return "status" in answer ? this.judge(answer, false) : answer;
  }

  async goodbye(limitMs: number): Promise<void> {
    try {
      await this.api.request("POST", "/api/v1/dashboard/disconnect", { body: { instance_id: this.instanceId }, timeoutMs: limitMs });
    } catch {
      // Leaving anyway; the server notices the silence.
    }
  }

  private async post(path: string, body: unknown): Promise<ApiAnswer | Extract<Delivery, { kind: "retry" }>> {
    try {
      return await this.api.request("POST", path, { body, timeoutMs: this.answerMs });
    } catch (error) {
      return { kind: "retry", detail: errorText(error) };
    }
  }

  /** 403 and 410 speak of the machine only in answer to a beat; about a command they just refuse that command. */
  private judge(answer: ApiAnswer, isBeat: boolean): Delivery {
    const { status } = answer;
    const detail = detailText(answer.body);
    if (status >= 200 && status < 300) {
      return { kind: "ok", status: isObject(answer.body) ? stringField(answer.body, "status") : undefined };
    }
    const fatal = isBeat || status === 401 ? fatalFromStatus(status, detail) : undefined;
    if (fatal !== undefined) this.onFatal(fatal);
    if (fatal === undefined && status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429) {
      return { kind: "refused", code: `http_${status}`, detail: detail || `the server answered ${status}` };
    }
    return { kind: "retry", detail: detail || `the server answered ${status}` };
  }
}
