/** Reading what homeservers and gateways say to each other (Matrix push gateway API). Nothing here may fail: the traffic passes anyway. */

interface PushTarget {
  readonly appId: string;
  readonly deviceToken: string;
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> => (value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {});
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Keys that an answer rejects; null when it is no answer to a notification. */
export function readRejected(answer: string): readonly string[] | null {
  const { rejected } = asRecord(parse(answer));
  return Array.isArray(rejected) ? rejected.filter((key): key is string => typeof key === "string") : null;
}

/**
 * The devices of `request` that `answer` rejects. The app counts as well as the key: that a gateway does not know one app says
 * nothing about the same phone under another.
 */
export function rejectedTargets(request: string, answer: string): PushTarget[] {
  const rejected = new Set(readRejected(answer));
  if (rejected.size === 0) return [];
  return asList(asRecord(asRecord(parse(request))["notification"])["devices"]).flatMap((device) => {
    const { app_id: appId, pushkey } = asRecord(device);
    return typeof appId === "string" && typeof pushkey === "string" && rejected.has(pushkey) ? [{ appId, deviceToken: pushkey }] : [];
  });
}
