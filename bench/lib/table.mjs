/** Aligned tables for the terminal, and the same table as Markdown. */

/** Columns whose cells are numbers are aligned right. @param {readonly string[]} cells */
const isNumeric = (cells) => cells.every((cell) => cell === "" || cell === "–" || /^[~≈]?[-+$]?\d/.test(cell));

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function measure(head, rows) {
  return head.map((title, column) => {
    const cells = rows.map((row) => row[column] ?? "");
    return { width: Math.max(title.length, ...cells.map((cell) => cell.length)), right: column > 0 && isNumeric(cells) };
  });
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows @returns {string} lines without a final line break */
export function renderTable(head, rows) {
  const columns = measure(head, rows);
  /** @param {readonly string[]} cells */
  const line = (cells) => columns.map(({ width, right }, i) => (right ? (cells[i] ?? "").padStart(width) : (cells[i] ?? "").padEnd(width))).join("  ").trimEnd();
  return [line(head), columns.map(({ width }) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
export function renderMarkdown(head, rows) {
  const columns = measure(head, rows);
  /** @param {readonly string[]} cells */
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${columns.map(({ right }) => (right ? "---:" : "---")).join("|")}|`, ...rows.map(line)].join("\n");
}

/** A number with about three digits that matter, or a dash for what was not measured. @param {number | null | undefined} value */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return size >= 10 ? value.toFixed(1) : value.toFixed(size >= 1 || size === 0 ? 2 : 3);
}
