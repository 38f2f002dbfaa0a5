import type { Ctx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { keyedHash } from "../../kernel/crypto/keyed-hash";
import { normalizePairCode } from "./pair-code.core";
import { pairCodeSealContext, type Pairing } from "./pairings.store";

/**
 * What codes are found by. Eight characters are soon hashed, so the hash is keyed with the pepper, which a leaked database does not
 * hold. @param typed as it came
 */
export const hashPairCode = (ctx: Ctx, typed: string): Promise<string> => keyedHash(ctx.config.passwordPepper, `pair-code:${normalizePairCode(typed)}`);

export const sealPairCode = (ctx: Ctx, pairingId: string, code: string): Promise<string> => seal(ctx.config.sealKeys, code, pairCodeSealContext(pairingId));

/** Null when its sealing key was retired within the code's ten minutes. */
export const unsealPairCode = (ctx: Ctx, pairing: Pairing): Promise<string | null> => unseal(ctx.config.sealKeys, pairing.sealedCode, pairCodeSealContext(pairing.id));
