import { toHex, utf8 } from "../../kernel/crypto/bytes";
import type { MatrixAdmin } from "../../kernel/ports/matrix";
import { refused, unexpected, type MatrixHttp } from "./http";
import { readText } from "./mapper";

const SECRET = "MATRIX_REGISTRATION_SECRET";
const REGISTER = "/_synapse/admin/v1/register";

/** Makes accounts by the homeserver's `registration_shared_secret`: unlike the other ways it never touches an account that exists. */
export function createRegistration(http: MatrixHttp, secret: string): NonNullable<MatrixAdmin["register"]> {
  return async ({ localpart, password, displayName }) => {
    // It lowers names by itself, after checking what was signed.
    const username = localpart.toLowerCase();
    const begun = await http.call({ method: "GET", path: REGISTER });
    if (begun.status !== 200) throw refused(begun, SECRET);
    const nonce = readText(begun.body, "nonce");
    const mac = await sign(secret, [nonce, username, password, "notadmin"].join("\0"));
    const reply = await http.call({ method: "POST", path: REGISTER, body: { nonce, username, password, admin: false, mac, displayname: displayName, inhibit_login: true } });
    if (reply.status === 200) return "created";
    // Exclusive names belong to an application service: not free either.
    if (reply.errcode === "M_USER_IN_USE" || reply.errcode === "M_EXCLUSIVE") return "taken";
    throw reply.status === 403 ? refused(reply, SECRET) : unexpected(reply);
  };
}

async function sign(secret: string, text: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", utf8(secret), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(text))));
}
