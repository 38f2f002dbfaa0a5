import { operation } from "../../kernel/operation";
import { getGate, listGates } from "./gates.queries";
import { GateListView, GateRef, GateView, SetGateBody } from "./gates.schemas";
import { deleteGate, setGate } from "./set-gate";

const TAG = "ops";
const PATH = "/api/v1/admin/ops/gates";

export const operations = [
  operation({
    id: "fleet.ops-gates.list",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "Switches of the product: those that are set, and those that are open because nobody set them",
    auth: ["admin"],
    limit: "read",
    output: GateListView,
  }).handle((_, ctx) => listGates(ctx)),
  operation({
    id: "fleet.ops-gates.get",
    method: "get",
    path: `${PATH}/{key}`,
    tag: TAG,
    summary: "One switch",
    auth: ["admin"],
    limit: "read",
    params: GateRef,
    output: GateView,
  }).handle(({ params }, ctx) => getGate(ctx, params)),
  operation({
    id: "fleet.ops-gates.set",
    method: "put",
    path: `${PATH}/{key}`,
    tag: TAG,
    summary: "Set a switch as a whole; other isolates follow within a minute",
    auth: ["superadmin"],
    limit: "write",
    audit: "gate.set",
    params: GateRef,
    body: SetGateBody,
    output: GateView,
  }).handle(({ params, body }, ctx) => setGate(ctx, { ...params, ...body })),
  operation({
    id: "fleet.ops-gates.delete",
    method: "delete",
    path: `${PATH}/{key}`,
    tag: TAG,
    summary: "Take a switch's setting away, which opens it",
    auth: ["superadmin"],
    limit: "write",
    audit: "gate.delete",
    params: GateRef,
    status: 204,
  }).handle(({ params }, ctx) => deleteGate(ctx, params)),
];
