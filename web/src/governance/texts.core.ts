/** Lists as people type them into one field, and back. */

/** Parts between lines, commas and semicolons; trimmed, each once, in their order. */
export const readList = (text: string): string[] => [...new Set(text.split(/[\n,;]/).map((part) => part.trim()).filter((part) => part !== ""))];

/** As {@link readList}, of a text that also parts at blanks: names that hold none. */
export const readWords = (text: string): string[] => readList(text.replace(/\s+/g, "\n"));

export const showList = (list: readonly string[] | undefined): string => (list ?? []).join("\n");

export type Read<T> = { ok: true; value: T } | { ok: false; fault: string };

/** "key=value" lines. */
export function readLabels(text: string): Read<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const line of readList(text)) {
    const at = line.indexOf("=");
    if (at <= 0) return { ok: false, fault: `“${line}” is no label. Write key=value.` };
    labels[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return { ok: true, value: labels };
}

export const showLabels = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");

export interface EgressRule {
  cidr: string;
  ports?: number[];
  protocol?: "TCP" | "UDP";
}

const PORTS = /^\d{1,5}(,\d{1,5})*$/;

/** "10.0.0.0/8 443,8443 TCP" lines; ports and protocol may be left out. */
export function readEgress(text: string): Read<EgressRule[]> {
  const rules: EgressRule[] = [];
  for (const line of text.split("\n").map((one) => one.trim()).filter((one) => one !== "")) {
    const [cidr = "", ...rest] = line.split(/\s+/);
    const rule: EgressRule = { cidr };
    for (const word of rest) {
      const protocol = word.toUpperCase();
      if (protocol === "TCP" || protocol === "UDP") rule.protocol = protocol;
      else if (PORTS.test(word)) rule.ports = word.split(",").map(Number);
      else return { ok: false, fault: `“${word}” in “${line}” is neither ports (443,8443) nor TCP or UDP.` };
    }
    if (!/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(cidr)) return { ok: false, fault: `“${cidr}” is no IPv4 range such as 10.0.0.0/8.` };
    if (rule.ports?.some((port) => port < 1 || port > 65_535)) return { ok: false, fault: `A port of “${line}” is not between 1 and 65535.` };
    rules.push(rule);
  }
  return { ok: true, value: rules };
}

export const showEgress = (rules: readonly EgressRule[]): string => rules.map(({ cidr, ports, protocol }) => [cidr, ports?.join(","), protocol].filter(Boolean).join(" ")).join("\n");
