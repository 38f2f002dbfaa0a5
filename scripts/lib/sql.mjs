/**
 * Splits a migration into statements. Semicolons inside strings, quoted names, comments and trigger bodies do not split.
 * @param {string} script
 * @returns {string[]} statements without their semicolon; empty and comment-only ones are left out
 */
export function splitStatements(script) {
  /** @type {string[]} */
  const statements = [];
  let text = "";
  let depth = 0;
  let words = "";
  const flush = () => {
    if (words.trim() !== "") statements.push(text.trim());
    text = "";
    words = "";
    depth = 0;
  };
  for (const token of tokens(script)) {
    if (token === ";" && depth === 0) {
      flush();
      continue;
    }
    text += token;
    if (isComment(token)) continue;
    // Only a trigger holds statements of its own; there CASE and BEGIN open what END closes.
    if (/^\w/.test(token) && /^\s*create\s+(temp\s+|temporary\s+)?trigger\b/i.test(words)) {
      if (/^(begin|case)$/i.test(token)) depth++;
      if (/^end$/i.test(token)) depth--;
    }
    words += token;
  }
  flush();
  return statements;
}

/** @param {string} token */
const isComment = (token) => token.startsWith("--") || token.startsWith("/*");

/** Comments, strings and quoted names whole, then words, then single characters. @param {string} script */
function* tokens(script) {
  const pattern = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|\w+|[\s\S]/g;
  for (const [token] of script.matchAll(pattern)) yield token;
}
