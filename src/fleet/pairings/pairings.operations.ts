import { operation, type Operation } from "../../kernel/operation";
import { claimPairing } from "./claim-pairing";
import { createPairing } from "./create-pairing";
import { listPendingPairs } from "./pairings.queries";
import { CreatedPairingView, CreatePairingBody, PairCodeRef, PairingSessionRef, PendingPairsQuery, PendingPairsView, RedeemedPairingView, RedeemPairingBody, RepairView, toCreatedPairingView } from "./pairings.schemas";
import { redeemPairing } from "./redeem-pairing";
import { repairPairing } from "./repair-pairing";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.pairings.create",
    method: "post",
    path: "/api/v1/pairing/create",
    tag: "pairing",
    summary: "A code that puts a bot on a machine; replaces the bot's older ones",
    auth: OWNER,
    limit: "write",
    audit: "pairing.create",
    body: CreatePairingBody,
    output: CreatedPairingView,
  }).handle(async ({ body }, ctx) => toCreatedPairingView(await createPairing(ctx, body.bot_id, body.target_instance_id ?? null))),
  operation({
    id: "fleet.pairings.redeem",
    method: "post",
    path: "/api/v1/pairing/redeem",
    tag: "pairing",
    summary: "Trade a code, once, for its bot's credentials",
    auth: ["none"],
    limit: "credential",
    audit: "pairing.redeem",
    body: RedeemPairingBody,
    output: RedeemedPairingView,
  }).handle(({ body }, ctx) => redeemPairing(ctx, body)),
  operation({
    id: "fleet.pairings.repair",
    method: "post",
    path: "/api/v1/pairing/sessions/{session_id}/repair",
    tag: "pairing",
    summary: "Have the machine refresh a bot whose pairing is degraded or failed",
    auth: OWNER,
    limit: "write",
    audit: "pairing.repair",
    params: PairingSessionRef,
    output: RepairView,
  }).handle(async ({ params }, ctx) => ({ ok: true, message: "The repair is requested; a machine that is away does it when it is back.", command_id: (await repairPairing(ctx, params.session_id)).commandId })),
  operation({
    id: "fleet.pairings.list-pending",
    method: "get",
    path: "/api/v1/openclaw/pending-pairs",
    tag: "openclaw",
    summary: "Codes that nobody redeemed yet, for machines that connect their bots themselves",
    auth: OWNER,
    limit: "read",
    query: PendingPairsQuery,
    output: PendingPairsView,
  }).handle(({ query }, ctx) => listPendingPairs(ctx, query)),
  operation({
    id: "fleet.pairings.claim",
    method: "post",
    path: "/api/v1/openclaw/pending-pairs/{code}/claim",
    tag: "openclaw",
    summary: "The machine has configured the bot of a code",
    auth: OWNER,
    limit: "write",
    audit: "pairing.claim",
    params: PairCodeRef,
    status: 204,
  }).handle(({ params }, ctx) => claimPairing(ctx, params.code)),
];
