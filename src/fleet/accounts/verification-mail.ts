import type { Mail } from "../../kernel/ports/services";
import { verificationCodeMail } from "../mails";
import { CODE_LIFE_MS } from "./accounts.core";

/** The mail that proves an address. */
export const verificationMail = (to: string, username: string, code: string): Mail => verificationCodeMail({ to, username, code, lifeMs: CODE_LIFE_MS });
