/** The built-in scanner of skills: what a text must not hold before agents may follow it. Pure; work grows with the text, never with its square. */

export const SEVERITIES = ["critical", "high", "medium", "low", "unknown"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface ScanFinding {
  /** The rule's name. */
  readonly id: string;
  readonly description: string;
  readonly severity: Severity;
  /** Where, for people. */
  readonly location: string;
}

interface Rule {
  readonly id: string;
  readonly severity: Severity;
  readonly description: string;
  /** Offsets of what it finds. */
  readonly find: (text: string) => Iterable<number>;
}

/** Findings of one rule; who has more learns nothing new. */
const MAX_PER_RULE = 10;

/** Whether findings keep a skill from passing. */
export const isBlocked = (findings: readonly ScanFinding[]): boolean => findings.some(({ severity }) => severity === "critical" || severity === "high");

/** Places of one expression in a text; who has more writes for scanners, not for readers. */
const MAX_PLACES = 100_000;

class TooDense extends Error {}

function* placesOf(expression: RegExp, text: string): Iterable<RegExpExecArray> {
  let left = MAX_PLACES;
  for (const match of text.matchAll(expression)) {
    if (left-- === 0) throw new TooDense();
    yield match;
  }
}

/** Matches of an expression with the flag `g`; `keep` says no to harmless ones. */
const matches = (expression: RegExp, keep: (match: RegExpMatchArray, text: string) => boolean = () => true) =>
  function* (text: string): Iterable<number> {
    for (const match of placesOf(expression, text)) if (keep(match, text)) yield match.index;
  };

/** An expression, then at most so many characters, then another one, and so on. */
type Chain = readonly [first: RegExp, ...rest: readonly (readonly [within: number, then: RegExp])[]];

/**
 * Places where expressions (with the flag `g`) follow each other in one line. One expression for all of it would look through what lies
 * between anew from every beginning.
 * @param not what must not lie between
 */
const follow = (not: string, [first, ...rest]: Chain) =>
  function* (text: string): Iterable<number> {
    let found = Array.from(placesOf(first, text), ({ index, 0: { length } }) => ({ start: index, end: index + length }));
    for (const [within, then] of rest) {
      const next: typeof found = [];
      let at = -1;
      for (const { index, 0: whole } of found.length === 0 ? [] : placesOf(then, text)) {
        while ((found[at + 1]?.end ?? Infinity) <= index) at += 1;
        const before = found[at];
        if (before && index - before.end <= within && ![...not].some((stop) => text.slice(before.end, index).includes(stop))) next.push({ start: before.start, end: index + whole.length });
      }
      found = next;
    }
    for (const { start } of found) yield start;
  };

const any = (...finders: readonly Rule["find"][]): Rule["find"] =>
  function* (text) {
    for (const find of finders) yield* find(text);
  };

const LINE = "\n";
const COMMAND = "\n|";
/** An expression made of text; letters of either case. */
const re = (source: string): RegExp => new RegExp(source, "gi");

const SHELL = String.raw`(?:sudo\s+)?(?:\/(?:usr\/)?bin\/)?(?:env\s+)?(?:(?:ba|z|k|da|fi)?sh|python[\d.]*|perl|ruby|node|php)\b`;
const DOWNLOADER = String.raw`\b(?:curl|wget|iwr|invoke-webrequest|invoke-restmethod)\b`;
const SECRET_FILE = String.raw`(?:~|\$HOME|\/root|\/home\/[\w.-]{1,64})\/\.(?:ssh\/(?:id_\w+|\*)|aws\/credentials|netrc|kube\/config|docker\/config\.json|gnupg\/|npmrc|pypirc|git-credentials|config\/gcloud\/)|\/etc\/(?:shadow|gshadow)\b|\/proc\/(?:self|\d+)\/environ\b`;
const SECRETS = String.raw`(?:env(?:ironment)?(?:\s+variables?|\s+vars?)|credentials?|api[\s_-]?keys?|access\s+tokens?|secrets?|passwords?|ssh\s+keys?|private\s+keys?|cookies)`;

const SENDER = /(?:curl|wget|nc|ncat)\b/gi;

/** Public examples of vendors' documentation, and words in place of a key. */
const isPlaceholder = (key: string): boolean => /example|placeholder|your[-_]|xxxx|\.\.\.|0000000|1234567890/i.test(key);

/** Flags of regions are U+1F3F4 and at most seven tag characters of two units each. */
const FLAG_UNITS = 14;
const isFlag = (text: string, at: number): boolean => {
  let start = at;
  while (start > 0 && at - start < FLAG_UNITS && text.charCodeAt(start - 2) === 0xdb40) start -= 2;
  return at - start < FLAG_UNITS && text.slice(start - 2, start) === "\u{1f3f4}";
};

const RULES: readonly Rule[] = [
  {
    id: "pipe-to-shell",
    severity: "critical",
    description: "Something downloaded is run at once.",
    find: any(
      follow(COMMAND, [re(DOWNLOADER), [200, re(`\\|\\s*(?:${SHELL}|(?:iex|invoke-expression)\\b)`)]]),
      follow(LINE, [/(?:\b(?:ba|z|k|da)?sh|\bsource|\beval)\s/gi, [20, re(`(?:<\\(|\\$\\(|\`)\\s*${DOWNLOADER}`)]]),
      follow(LINE, [/\b(?:iex|invoke-expression)\b/gi, [40, re(DOWNLOADER)]]),
    ),
  },
  {
    id: "decode-and-execute",
    severity: "critical",
    description: "Something encoded is decoded and run.",
    find: any(
      follow(COMMAND, [/\bbase64\s+(?:-d|--decode)\b|\bxxd\s+-r\b/gi, [200, re(`\\|\\s*${SHELL}`)]]),
      follow(LINE, [/\beval\b/gi, [80, /\bbase64\s+(?:-d|--decode)\b/gi]]),
      follow(LINE, [/\b(?:eval|exec|Function)\s*\(\s*/gi, [60, /(?:atob|b64decode|fromhex|unhexlify|Buffer\.from)\s*\(/gi]]),
      follow(LINE, [/\bpowershell(?:\.exe)?\b/gi, [80, /\s-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{16}/gi]]),
    ),
  },
  {
    id: "reverse-shell",
    severity: "critical",
    description: "A shell is handed to somebody outside.",
    find: any(matches(/\/dev\/(?:tcp|udp)\/[\w.$-]{1,128}\/|\bbash\s+-i\s*>&/gi), follow(LINE, [/\b(?:nc|ncat|netcat)\b/gi, [60, /\s-(?:e|c)\s*\/?(?:usr\/)?(?:bin\/)?(?:ba)?sh\b/gi]])),
  },
  {
    id: "private-key",
    severity: "critical",
    description: "A private key is part of the text.",
    find: matches(/-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----/g),
  },
  {
    id: "exfiltration",
    severity: "critical",
    description: "Secrets of the machine are sent somewhere.",
    find: any(
      follow(LINE, [/\b(?:send|post|upload|exfiltrate|transmit|forward|submit|leak)\b/gi, [80, re(`\\b${SECRETS}\\b`)], [120, /https?:\/\/|\bwebhook\b|\bto\s+[\w.-]{1,64}\.[a-z]{2,12}\b/gi]]),
      follow(COMMAND, [/\b(?:env|printenv|set)\s*\|\s*/gi, [60, SENDER]]),
      follow(LINE, [re(DOWNLOADER), [200, re(`\\$\\(\\s*(?:env|printenv)\\b|\`(?:env|printenv)\`|${SECRET_FILE}`)]]),
      follow(LINE, [re(SECRET_FILE), [80, /\|/g], [60, SENDER]]),
    ),
  },
  {
    id: "bidirectional-text",
    severity: "critical",
    description: "Characters that change the direction of writing hide what the text says.",
    find: matches(/[\u202a-\u202e\u2066-\u2069]/g),
  },
  {
    id: "hidden-text",
    severity: "critical",
    description: "Characters that nobody sees carry text.",
    find: matches(/[\u{e0000}-\u{e007f}]|[\u{e0100}-\u{e01ef}]{3}|[\u200b\u2060-\u2064\ufeff]/gu, (match, text) => {
      const code = match[0].codePointAt(0) ?? 0;
      if (code === 0xfeff) return match.index !== 0;
      return !(code >= 0xe0000 && code <= 0xe007f && isFlag(text, match.index ?? 0));
    }),
  },
  {
    id: "instruction-override",
    severity: "high",
    description: "The agent is told to forget what it was told before.",
    find: matches(/(?<!\b(?:not|never|n't)\s)\b(?:ignore|disregard|forget|override|bypass)\b(?:\s+(?:all|any|every|of|the|your|my|these|those)){0,4}\s+(?:previous|prior|preceding|above|earlier|existing|original|system|safety)\s+(?:instructions?|prompts?|rules|directions|guidelines|messages|constraints|polic(?:y|ies))\b/gi),
  },
  {
    id: "hidden-from-user",
    severity: "high",
    description: "The agent is told to keep something from its user.",
    find: matches(/\b(?:do\s+not|don['’]t|never)\s+(?:tell|inform|notify|alert|mention\s+(?:this|it)\s+to|reveal\s+(?:this|it)\s+to|show\s+(?:this|it)\s+to)\s+(?:the\s+|your\s+)?(?:user|human|operator|owner)s?\b|\bwithout\s+(?:telling|informing|asking|notifying|alerting)\s+(?:the\s+|your\s+)?(?:user|human|operator|owner)s?\b|\b(?:keep|hide)\s+(?:this|it)\s+(?:(?:secret|hidden)\s+)?from\s+(?:the\s+|your\s+)?(?:user|human|operator|owner)s?\b/gi),
  },
  {
    id: "credential-file",
    severity: "high",
    description: "A file that holds credentials is named.",
    find: matches(new RegExp(SECRET_FILE, "gi")),
  },
  {
    id: "api-key",
    severity: "high",
    description: "A key of somebody's account is part of the text.",
    find: matches(
      /\bAKIA[0-9A-Z]{16}\b|\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{24,200}|\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{40,255}\b|\bglpat-[A-Za-z0-9_-]{20,64}|\bxox[abposr]-[A-Za-z0-9-]{20,200}|\bAIza[0-9A-Za-z_-]{35}|\b[sr]k_live_[A-Za-z0-9]{16,200}\b|\bnpm_[A-Za-z0-9]{36}\b/g,
      // A key is no run of words: it has a digit.
      ([key]) => !isPlaceholder(key) && /\d/.test(key),
    ),
  },
  {
    id: "outside-reference",
    severity: "high",
    description: "Something outside the bundle is referred to.",
    find: matches(/\]\(\s*<?([^)\s>]{1,400})|\bfile:\/\/\/?[^\s)>"']{1,200}/gi, ([whole, target]) => /^file:/i.test(whole) || leavesBundle(target ?? "")),
  },
  {
    id: "destructive-command",
    severity: "high",
    description: "A command destroys what it does not own.",
    find: any(matches(/\brm(?:\s+-[\w-]{1,64}(?=\s)){1,4}\s+["']?(?:\/|~|\$HOME)(?:\/?\*|\/)?["']?(?=[\s;&|`]|$)|\bmkfs(?:\.\w+)?\s+\/dev\/|:\(\)\s*\{\s*:\|:&\s*\};:/gim), follow(LINE, [/\bdd\b/gi, [80, /\bof=\/dev\/(?:sd|nvme|disk|hd)/gi]])),
  },
  {
    id: "safeguard-off",
    severity: "medium",
    description: "A safeguard is switched off.",
    find: any(matches(/--dangerously-skip-permissions|\bchmod\s+(?:-R\s+)?0?777\b|\bStrictHostKeyChecking[\s=]+no\b|\bset\s+-o\s+permissive\b|\bNODE_TLS_REJECT_UNAUTHORIZED\s*=\s*["']?0/gi), follow(LINE, [/\b(?:curl|wget)\b/gi, [120, /\s-k\b|--insecure\b|--no-check-certificate\b/gi]])),
  },
  {
    id: "plain-download",
    severity: "medium",
    description: "Something is downloaded without encryption.",
    find: follow(LINE, [/\b(?:curl|wget)\b/gi, [120, /\bhttp:\/\/(?!localhost\b|127\.|\[::1\])/gi]]),
  },
  {
    id: "encoded-blob",
    severity: "medium",
    description: "A long encoded text says nothing to a reader.",
    find: matches(/(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{400,}={0,2}/g, ([blob]) => /\d/.test(blob) && /[a-z]/.test(blob) && /[A-Z]/.test(blob)),
  },
  {
    id: "dynamic-code",
    severity: "medium",
    description: "Code is made of text and run.",
    find: matches(/\b(?:eval|exec)\s*\(\s*(?:input|request|fetch|open|compile|prompt|process\.argv|sys\.argv)\b|\beval\s+"?\$\{?\w+/gi),
  },
  { id: "administrator", severity: "low", description: "A command is run as the system's administrator.", find: matches(/^[ \t]*(?:[$#>][ \t]*)?sudo[ \t]+\w/gim) },
  { id: "hidden-comment", severity: "low", description: "A comment that readers do not see is long.", find: matches(/<!--[^>]{200}/g) },
];

/** Whether a link's target is no address and leaves the folder of the skill. */
function leavesBundle(target: string): boolean {
  const path = target.split(/[?#]/)[0] ?? "";
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith("//")) return false;
  if (/^(?:\/|~|\\)/.test(path)) return true;
  let depth = 0;
  for (const part of path.replaceAll("%2e", ".").replaceAll("%2E", ".").split(/[/\\]|%2f|%5c/i)) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

/** What the built-in scanner finds in a content, worst first. What is no text cannot be read, and so cannot pass. */
export function scanSkill(bytes: Uint8Array): readonly ScanFinding[] {
  const text = readSkillText(bytes);
  if (text === null) return [{ id: "unreadable", description: "The content is no text, so nobody can tell what it does.", severity: "critical", location: "content" }];
  // A command may go on in the next line; rows of blanks mean no more than one. What ends a line stays one character, so that lines can be counted.
  const joined = text.replace(/[\v\f]/g, " ").replace(/\\\r?\n/g, JOINT).replace(/[^\S\n\v]{2,}/g, " ");
  try {
    return judge(joined, countLines(joined));
  } catch (error) {
    if (!(error instanceof TooDense)) throw error;
    return [{ id: "too-dense", description: "The content repeats what is looked for so often that it cannot be judged.", severity: "critical", location: "content" }];
  }
}

/** A line that goes on in the next one, where it does: white space that ends no line. */
const JOINT = "\v";

function judge(joined: string, lineOf: (offset: number) => number): readonly ScanFinding[] {
  const findings = RULES.flatMap(({ id, severity, description, find }) => {
    const lines = new Set<number>();
    for (const offset of find(joined)) {
      lines.add(lineOf(offset));
      if (lines.size >= MAX_PER_RULE) break;
    }
    return [...lines].map((line): ScanFinding => ({ id, description, severity, location: `line ${line}` }));
  });
  return findings.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** Control characters that texts have: tabs, ends of lines and pages, escape. */
const TEXT_CONTROLS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b]);

/** A content as text; null when it is none (archives, programs, other encodings). */
export function readSkillText(bytes: Uint8Array): string | null {
  if (bytes.some((byte) => byte < 0x20 && !TEXT_CONTROLS.has(byte))) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Answers the line, from 1, of ever any offset. */
function countLines(text: string): (offset: number) => number {
  const isEnd = (at: number): boolean => text[at] === "\n" || text[at] === JOINT;
  let lines = 1;
  for (let at = 0; at < text.length; at++) if (isEnd(at)) lines += 1;
  // There may be as many as characters: numbers side by side take a quarter of the memory.
  const starts = new Uint32Array(lines);
  for (let at = 0, line = 1; at < text.length; at++) if (isEnd(at)) starts[line++] = at + 1;
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
