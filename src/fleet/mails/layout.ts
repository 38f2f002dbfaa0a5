import type { Mail } from "../../kernel/ports/services";

/** One fact of a notice, for example `["Device", "Firefox on linux"]`. */
export type MailFact = readonly [label: string, value: string];

/** What a mail says; {@link composeMail} decides how it looks. Plain text throughout: every part is escaped for HTML. */
export interface MailContent {
  readonly to: string;
  readonly subject: string;
  readonly opening: string;
  /** Digits to read off or copy. */
  readonly code?: string;
  readonly facts?: readonly MailFact[];
  readonly paragraphs: readonly string[];
  /** What to do when the reader did not expect this mail. */
  readonly warning: string;
}

/** Longest shown value that somebody else may have chosen (a device's or a token's name). */
const SHOWN_VALUE_MAX = 120;

/** One line without control characters, so that no chosen name forges a line or a header. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").replace(/\s+/g, " ").trim();
  return line.length > SHOWN_VALUE_MAX ? `${line.slice(0, SHOWN_VALUE_MAX - 1)}…` : line;
}

/** The same content as plain text and as HTML that loads nothing and follows the reader's light or dark mode. */
export function composeMail(content: MailContent): Mail {
  const facts = (content.facts ?? []).map(([label, value]): MailFact => [label, oneLine(value)]);
  return { to: content.to, subject: oneLine(content.subject), text: toText(content, facts), html: toHtml(content, facts) };
}

function toText({ opening, code, paragraphs, warning }: MailContent, facts: readonly MailFact[]): string {
  const parts = [opening, ...(code === undefined ? [] : [`    ${code}`]), ...(facts.length === 0 ? [] : [facts.map(([label, value]) => `${label}: ${value}`).join("\n")]), ...paragraphs, warning];
  return `${parts.join("\n\n")}\n\nSett\n`;
}

const FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
const PARAGRAPH = "margin:0 0 16px;font-size:15px;line-height:1.5";

/** Colours are inline for light mode, where clients drop style sheets; the sheet only turns them dark. */
const DARK_STYLE =
  ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){.bg{background:#161614!important;color:#ecece8!important}.card{background:#20201e!important;border-color:#3a3a36!important}.box{background:#2b2b28!important}.dim{color:#a9a9a2!important}}";

function toHtml({ subject, opening, code, paragraphs, warning }: MailContent, facts: readonly MailFact[]): string {
  const codeBox =
    code === undefined
      ? ""
      : `<p class="box" style="margin:0 0 16px;padding:16px;background:#f4f4f2;border-radius:8px;text-align:center;font-size:32px;font-weight:600;letter-spacing:8px;font-variant-numeric:tabular-nums">${escapeHtml(code)}</p>\n`;
  const rows = facts.map(([label, value]) => `<tr><td class="dim" style="padding:4px 16px 4px 0;color:#5c5c58;white-space:nowrap;vertical-align:top">${escapeHtml(label)}</td><td style="padding:4px 0;word-break:break-word">${escapeHtml(value)}</td></tr>`);
  const table = rows.length === 0 ? "" : `<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 16px;font-size:14px;line-height:1.5">${rows.join("")}</table>\n`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"><title>${escapeHtml(oneLine(subject))}</title><style>${DARK_STYLE}</style></head>
<body class="bg" style="margin:0;background:#f4f4f2;${FONT};color:#1c1c1a">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;background:#ffffff;border:1px solid #e2e2de;border-radius:12px"><tr><td style="padding:32px">
<p style="margin:0 0 24px;font-size:18px;font-weight:600">Sett</p>
<p style="${PARAGRAPH}">${escapeHtml(opening)}</p>
${codeBox}${table}${paragraphs.map((text) => `<p style="${PARAGRAPH}">${escapeHtml(text)}</p>\n`).join("")}<p class="dim" style="margin:0;font-size:13px;line-height:1.5;color:#5c5c58">${escapeHtml(warning)}</p>
</td></tr></table>
</td></tr></table>
</body>
</html>`;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
