/** Bars as SVG: one group per scenario, one bar per server. No dependency, readable on light and dark pages. */

/** @typedef {{ group: string, name: string, value: number }} Bar */

const WIDTH = 860;
const LABEL = 190;
const BAR = 18;
const GAP = 4;
const GROUP_GAP = 26;
const COLOURS = ["#2f6f4f", "#5b9a6f", "#9cc5a1", "#b4632d", "#7a7a7a"];

/** @param {string} text */
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/**
 * @param {{ title: string, unit: string, bars: readonly Bar[], format: (value: number) => string }} chart
 * @returns {string} a whole SVG document
 */
export function renderBars({ title, unit, bars, format }) {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const names = [...new Set(bars.map(({ name }) => name))];
  /** @type {string[]} */
  const parts = [];
  let y = 48;
  for (const group of new Set(bars.map((bar) => bar.group))) {
    parts.push(`<text x="0" y="${y}" font-weight="600">${escape(group)}</text>`);
    y += 8;
    for (const { name, value } of bars.filter((bar) => bar.group === group)) {
      const width = Math.max(1, Math.round((value / most) * (WIDTH - LABEL - 90)));
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      parts.push(`<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escape(name)}</text>`);
      parts.push(`<rect x="${LABEL}" y="${y}" width="${width}" height="${BAR}" rx="2" fill="${colour}"/>`);
      parts.push(`<text x="${LABEL + width + 6}" y="${y + 13}">${escape(format(value))}</text>`);
      y += BAR + GAP;
    }
    y += GROUP_GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="system-ui, sans-serif" font-size="12" fill="#777">
<text x="0" y="18" font-size="15" font-weight="600">${escape(title)}</text><text x="${WIDTH}" y="18" text-anchor="end">${escape(unit)}</text>
${parts.join("\n")}
</svg>
`;
}
