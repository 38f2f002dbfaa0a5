import type { NotificationVerdict } from "../../kernel/ports/app-store";
import { isObject, textOf, type Json } from "./json";
import { verifySignedData, type Trust } from "./signed-data";
import { environmentOf, readSignedPurchase, STATUS } from "./signed-data-purchases";

/** Apple's words for types, and the UUID; both go to logs and into the database. */
const WORD = /^[A-Z0-9_]{1,80}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const INVALID_PAYLOAD: NotificationVerdict = { kind: "invalid", reason: "payload" };

/** Checks and reads an App Store Server Notification V2: its own signature and those of the two parts inside. */
export async function readNotification(signedPayload: string, bundleId: string, trust: Trust): Promise<NotificationVerdict> {
  const outer = await verifySignedData(signedPayload, trust);
  if (outer.kind === "invalid") return outer;
  const { payload, signedAt } = outer;
  const [notificationId, type, subtype] = [textOf(payload, "notificationUUID"), textOf(payload, "notificationType"), textOf(payload, "subtype")];
  if (payload["version"] !== "2.0" || notificationId === null || !UUID.test(notificationId)) return INVALID_PAYLOAD;
  if (type === null || !WORD.test(type) || (subtype !== null && !WORD.test(subtype))) return INVALID_PAYLOAD;
  const subject = subjectOf(payload);
  if (!subject) return INVALID_PAYLOAD;
  if (subject["bundleId"] !== bundleId) return { kind: "wrong_app" };
  const environment = environmentOf(subject);
  if (environment === null) return { kind: "invalid", reason: "environment" };

  const facts = { notificationId: notificationId.toLowerCase(), type, subtype, environment, bundleId, signedAt };
  const transaction = textOf(subject, "signedTransactionInfo");
  if (transaction === null) return { kind: "ok", notification: { ...facts, purchase: null } };
  const status = typeof subject["status"] === "number" ? subject["status"] : null;
  const inner = await readSignedPurchase({ transaction, renewal: textOf(subject, "signedRenewalInfo"), status }, trust);
  if (inner.kind === "invalid") return inner;
  const { purchase } = inner;
  if (purchase.bundleId !== bundleId) return { kind: "wrong_app" };
  if (purchase.environment !== environment) return { kind: "invalid", reason: "environment" };
  // Their status is the subscription's; a transaction that is gone while it is not revoked has been followed by another.
  const isPast = purchase.revokedAt !== null && status !== null && status !== STATUS.revoked;
  return { kind: "ok", notification: { ...facts, purchase, ...(isPast ? { isPast } : {}) } };
}

/** What a notification is about; exactly one of these is there. External purchases carry their environment only in the shape of their id. */
function subjectOf(payload: Json): Json | null {
  const { data, summary, externalPurchaseToken: external } = payload;
  if (isObject(data)) return data;
  if (isObject(summary)) return summary;
  if (!isObject(external)) return null;
  return { bundleId: external["bundleId"], environment: textOf(external, "externalPurchaseId")?.startsWith("SANDBOX") ? "Sandbox" : "Production" };
}
