import { operation } from "../../kernel/operation";
import { MAX_RECEIPT_BODY_BYTES } from "../apple-purchases";
import { assignAddon } from "./assign-addon";
import { cancelAddon } from "./cancel-addon";
import { purchaseAddon } from "./purchase-addon";
import { purchaseAppleAddon } from "./purchase-apple-addon";
import { listAddons } from "./vm-addons.queries";
import { AddonCheckoutView, AddonListView, AddonRef, AddonView, AssignAddonBody, AssignedAddonView, CancelledAddonView, CloudVmRef, PurchaseAddonBody, PurchaseAppleAddonBody } from "./vm-addons.schemas";

const TAG = "openclaw";
const BASE = "/api/v1/openclaw/cloud-vm";

export const operations = [
  operation({
    id: "fleet.vm-addons.list",
    method: "get",
    path: `${BASE}/addon`,
    tag: TAG,
    summary: "The caller's cloud machine add-ons that have not ended",
    auth: ["user", "cliToken"],
    limit: "read",
    output: AddonListView,
  }).handle((_, ctx) => listAddons(ctx)),
  operation({
    id: "fleet.vm-addons.purchase",
    method: "post",
    path: `${BASE}/addon/purchase`,
    tag: TAG,
    summary: "Open a page to pay for one cloud machine",
    auth: ["user"],
    limit: "write",
    audit: "vm_addon.checkout",
    body: PurchaseAddonBody,
    bodyOptional: true,
    output: AddonCheckoutView,
  }).handle(({ body }, ctx) => purchaseAddon(ctx, body)),
  operation({
    id: "fleet.vm-addons.purchase-apple",
    method: "post",
    path: `${BASE}/addon/purchase-apple`,
    tag: TAG,
    summary: "Take a cloud machine bought in the App Store in; may be repeated",
    auth: ["user"],
    limit: "write",
    audit: "vm_addon.create",
    body: PurchaseAppleAddonBody,
    maxBodyBytes: MAX_RECEIPT_BODY_BYTES,
    output: AddonView,
  }).handle(({ body }, ctx) => purchaseAppleAddon(ctx, body)),
  operation({
    id: "fleet.vm-addons.cancel",
    method: "post",
    path: `${BASE}/addon/{addon_id}/cancel`,
    tag: TAG,
    summary: "Let an add-on end with what was paid for; may be repeated",
    auth: ["user"],
    limit: "write",
    audit: "vm_addon.cancel",
    params: AddonRef,
    output: CancelledAddonView,
  }).handle(({ params }, ctx) => cancelAddon(ctx, params)),
  operation({
    id: "fleet.vm-addons.assign",
    method: "post",
    path: `${BASE}/{instance_id}/assign-to-addon`,
    tag: TAG,
    summary: "Say which add-on pays for a cloud machine",
    auth: ["user", "cliToken"],
    limit: "write",
    audit: "vm_addon.assign",
    params: CloudVmRef,
    body: AssignAddonBody,
    output: AssignedAddonView,
  }).handle(({ params, body }, ctx) => assignAddon(ctx, { ...params, ...body })),
];
