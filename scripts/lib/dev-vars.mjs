/**
 * `.dev.vars`: NAME=value lines, the format that wrangler reads too.
 * Values with anything but plain characters are single-quoted, so JSON survives.
 */

/** @param {string} text @returns {Record<string, string>} */
export function parseDevVars(text) {
  /** @type {Record<string, string>} */
  const vars = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line);
    const [, name, raw] = match ?? [];
    if (name === undefined || raw === undefined) continue;
    vars[name] = readValue(raw.trim());
  }
  return vars;
}

/** @param {string} raw */
function readValue(raw) {
  const quote = raw[0];
  if (quote === "'" || quote === '"' || quote === "`") {
    const end = raw.indexOf(quote, 1);
    if (end > 0) return quote === '"' ? raw.slice(1, end).replaceAll("\\n", "\n") : raw.slice(1, end);
  }
  return raw.replace(/\s+#.*$/, "");
}

/** @param {Record<string, string>} vars */
export function formatDevVars(vars) {
  return Object.entries(vars)
    .map(([name, value]) => {
      if (/^[\w.:,/@+=-]*$/.test(value)) return `${name}=${value}\n`;
      if (value.includes("'") || value.includes("\n")) throw new Error(`${name} cannot be written to .dev.vars: it holds a quote or a line break`);
      return `${name}='${value}'\n`;
    })
    .join("");
}
