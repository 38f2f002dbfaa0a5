import { operation } from "../../kernel/operation";
import { checkDevice, getTrialStatus } from "./trials.queries";
import { CheckDeviceBody, CheckDeviceView, TrialStatusView } from "./trials.schemas";

const TAG = "trial";

export const operations = [
  operation({
    id: "fleet.trials.checkDevice",
    method: "post",
    path: "/api/v1/device-check/validate",
    tag: TAG,
    summary: "Whether an Apple device may begin a trial",
    auth: ["user"],
    limit: "write",
    body: CheckDeviceBody,
    output: CheckDeviceView,
  }).handle(({ body }, ctx) => checkDevice(ctx, body)),
  operation({
    id: "fleet.trials.getStatus",
    method: "get",
    path: "/api/v1/trial/status",
    tag: TAG,
    summary: "The caller's trial and plan",
    auth: ["user"],
    limit: "read",
    output: TrialStatusView,
  }).handle((_input, ctx) => getTrialStatus(ctx)),
];
