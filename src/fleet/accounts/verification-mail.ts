import { MINUTE_MS } from "../../kernel/clock";
import type { Mail } from "../../kernel/ports/services";
import { CODE_LIFE_MS } from "./accounts.core";

const LIFE_MINUTES = CODE_LIFE_MS / MINUTE_MS;

/** The mail that proves an address. It names the user name, so that a stranger's sign-up with this address is recognised as such. */
export function verificationMail(to: string, username: string, code: string): Mail {
  const text = [
    `Your Sett verification code is ${code}`,
    "",
    `It verifies this address for the account "${username}" and is good for ${LIFE_MINUTES} minutes.`,
    "",
    "If you did not sign up with this user name, do not enter the code anywhere; without it nothing happens.",
    "",
  ].join("\n");
  return { to, subject: `${code} is your Sett verification code`, text, html: page(username, code) };
}

function page(username: string, code: string): string {
  const font = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Verify your address</title></head>
<body style="margin:0;background:#f4f4f2;${font};color:#1c1c1a">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;background:#fff;border:1px solid #e2e2de;border-radius:12px"><tr><td style="padding:32px">
<p style="margin:0 0 24px;font-size:18px;font-weight:600">Sett</p>
<p style="margin:0 0 16px;font-size:16px;line-height:1.5">Use this code to verify your address for the account <strong>${escapeHtml(username)}</strong>.</p>
<p style="margin:0 0 16px;padding:16px;background:#f4f4f2;border-radius:8px;text-align:center;font-size:32px;font-weight:600;letter-spacing:8px;font-variant-numeric:tabular-nums">${code}</p>
<p style="margin:0 0 24px;font-size:14px;line-height:1.5;color:#5c5c58">It is good for ${LIFE_MINUTES} minutes.</p>
<p style="margin:0;font-size:13px;line-height:1.5;color:#5c5c58">If you did not sign up with this user name, do not enter the code anywhere; without it nothing happens.</p>
</td></tr></table>
</td></tr></table>
</body>
</html>`;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
