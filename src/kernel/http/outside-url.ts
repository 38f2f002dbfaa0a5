/** Addresses of others that we are told to ask: which of them we do ask. */

const MAX_URL_CHARS = 2_048;

/**
 * Reads an address of somebody outside. Everywhere but in the local environment it must be https, and no host of a private network.
 * @returns null when it is no such address
 */
export function readOutsideUrl(text: string, isLocal: boolean): URL | null {
  if (text.length > MAX_URL_CHARS || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return null;
  if (isLocal) return /^https?:$/.test(url.protocol) ? url : null;
  return url.protocol === "https:" && !isPrivateHost(url.hostname) ? url : null;
}

/** Whether a host, as `URL.hostname` writes it, is one of this machine or of a private network by its very name. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.+$/, "");
  if (host.startsWith("[")) return isPrivateIpv6(host.slice(1, -1));
  const ipv4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  if (ipv4) return isPrivateIpv4(ipv4.slice(1).map(Number));
  return !host.includes(".") || /\.(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa)$/.test(host);
}

function isPrivateIpv4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  if (a === 100) return b >= 64 && b < 128;
  if (a === 172) return b >= 16 && b < 32;
  if (a === 192) return b === 168 || (b === 0 && (c === 0 || c === 2));
  if (a === 198) return b === 18 || b === 19 || (b === 51 && c === 100);
  return (a === 169 && b === 254) || (a === 203 && b === 0 && c === 113);
}

/** What is no global unicast is private, and so is IPv4 in IPv6's clothes. */
function isPrivateIpv6(address: string): boolean {
  const first = parseInt(address.split(":")[0] || "0", 16);
  const isGlobal = first >= 0x2000 && first <= 0x3fff;
  return !isGlobal || first === 0x2002 || /^2001:(?:0{0,4}:|db8:|:)/.test(address);
}
