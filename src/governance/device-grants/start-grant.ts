import type { z } from "zod";
import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { GRANT_SECONDS, newDeviceCode, newUserCode, POLL_SECONDS } from "./device-grants.core";
import type { StartedGrantView } from "./device-grants.schemas";
import { insertGrant, USER_CODE } from "./device-grants.store";

const TRIES = 3;

/** A command line wants a token: what it keeps, what its person compares, and where they confirm. */
export async function startGrant(ctx: Ctx): Promise<z.input<typeof StartedGrantView>> {
  const deviceCode = newDeviceCode();
  const codeHash = await sha256Hex(deviceCode);
  for (let tries = 1; ; tries++) {
    const userCode = newUserCode();
    const now = ctx.clock.now();
    const { ip, userAgent } = ctx.client;
    try {
      await new Plan(ctx)
        .write(insertGrant(ctx, { codeHash, userCode, ip, userAgent, createdAt: now, expiresAt: now + GRANT_SECONDS * SECOND_MS }))
        .audit(governed({ action: "device_grant.create", kind: "DeviceGrant", key: userCode }))
        .commit();
      return { deviceCode, userCode, verificationUri: `/api/v1/auth/device/activate?userCode=${userCode}`, expiresIn: GRANT_SECONDS, interval: POLL_SECONDS };
    } catch (error) {
      if (!isUniqueViolation(error, USER_CODE) || tries >= TRIES) throw error;
    }
  }
}
