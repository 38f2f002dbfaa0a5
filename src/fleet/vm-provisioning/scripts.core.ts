/**
 * What we run on computers, as text for sh, and how to read what comes back. The first line of each says what it is. No I/O.
 *
 * Who sees secrets there: they are in the text of the set-up alone, and it gives them to nobody by command line. A local machine reads that text
 * from a pipe. A provider whose API takes a command hands it to a shell, on whose command line it stands, for a second or two, for whoever may
 * list that computer's processes; nobody but its owner is there. On disk they are in `~/.sett/env` and `~/.sett/daemon/auth.json`, which only
 * the administrator reads, and the model's key is in the environment of the daemon and of what it starts.
 */
import { toBase64Url, utf8 } from "../../kernel/crypto/bytes";
import { bootScript, installScript, PREAMBLE, shQuote } from "./install-script.core";

export interface SetupInput {
  readonly serverUrl: string;
  readonly instanceId: string;
  readonly fingerprint: string;
  /** The CLI token that the daemon speaks with. */
  readonly token: string;
  /** What the machine is called. */
  readonly label: string;
  /** Further variables of the daemon: the model's key. Names are capitals, digits and `_`. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the daemon runs OpenClaw's gateway. */
  readonly watchesRuntime?: boolean;
}

/** How far an installation is. */
export interface ProbeResult {
  readonly state: "absent" | "running" | "done" | "failed";
  /** 0 to 100. */
  readonly percent: number;
  /** In words, at most 200 characters; empty when there is nothing to say. */
  readonly detail: string;
}

const MAX_DETAIL_CHARS = 200;

/** Prints, as its last line, how far the installation is. One whose process is gone has failed. */
export const probeCommand = (): string => String.raw`# sett:probe
${PREAMBLE}say() { printf '{"sett":1,"state":"%s","percent":%d,"detail":"%s"}\n' "$1" "$2" "$3"; exit 0; }
NOW=$(state)
# It may have ended between our two looks.
if [ "$NOW" = running ] && ! installing; then NOW=$(state); [ "$NOW" != running ] || say failed 0 "The installation was interrupted"; fi
if [ "$NOW" = "" ] && installing; then say running 0 "Starting"; fi
if [ "$NOW" = "" ]; then say absent 0 ""; fi
if [ "$NOW" = done ] && ! [ -x "$S/cli/bin/sett" ]; then say absent 0 ""; fi
printf '{"sett":1,%s\n' "$(sed 's/^{//' "$S/install.json")"
`;

/** Starts the installation in the background and returns at once. Harmless while one runs, and when it is done. */
export const installCommand = ({ serverUrl, installsRuntime = false }: { readonly serverUrl: string; readonly installsRuntime?: boolean }): string => `${named("install", { server_url: serverUrl, installs_runtime: installsRuntime })}
${PREAMBLE}mkdir -p "$S" && chmod 700 "$S" || exit 1
if [ "$(state)" = done ] && [ -x "$S/cli/bin/sett" ]; then exit 0; fi
if installing; then exit 0; fi
${writeFile("install.sh", installScript(serverUrl, installsRuntime))}
launch "$S/install.sh"
PID=$!
# So that whoever looks next sees it.
N=0
while [ "$N" -lt 30 ] && kill -0 "$PID" 2>/dev/null; do
  if [ "$(state)" = running ] && installing; then break; fi
  N=$((N + 1)); pause
done
exit 0
`;

/**
 * Writes who the machine is, and starts its daemon again, now and at every boot. Exit code 0 when the daemon was started and the server took its
 * token. Each time it replaces what the last one wrote.
 * @throws RangeError when a variable's name is none
 */
export const setupCommand = (input: SetupInput): string => {
  const { serverUrl, instanceId, fingerprint, token, label, env, watchesRuntime = false } = input;
  return `${named("setup", { server_url: serverUrl, instance_id: instanceId, fingerprint, token, label, env })}
${PREAMBLE}if ! [ -x "$S/cli/bin/sett" ]; then echo "sett: not installed"; exit 1; fi
mkdir -p "$S/daemon" && chmod 700 "$S" "$S/daemon" || exit 1
UNIT=/etc/systemd/system/sett.service
SYSTEMD=
# A local machine has no right to touch the services of the computer that it runs on.
if [ -z "$SETT_VM" ] && [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  case "$S" in *[!A-Za-z0-9/._-]*) ;; *) SYSTEMD=1 ;; esac
fi
if [ -n "$SYSTEMD" ] && [ -f "$UNIT" ]; then systemctl stop sett </dev/null >/dev/null 2>&1; fi
OLD=$(cat "$S/boot.pid" 2>/dev/null)
if runs "$OLD" "$S/boot.sh"; then
  kill "$OLD" 2>/dev/null
  N=0
  while [ "$N" -lt 100 ] && runs "$OLD" "$S/boot.sh"; do N=$((N + 1)); pause; done
  if runs "$OLD" "$S/boot.sh"; then kill -9 "$OLD" 2>/dev/null; fi
fi
${writeFile("env", environmentFile({ SETT_SERVER: serverUrl, SETT_INSTANCE_ID: instanceId, SETT_FINGERPRINT: fingerprint, SETT_LABEL: label, ...env }))}
${writeFile("boot.sh", bootScript(watchesRuntime))}
${watchesRuntime ? `if ! [ -e "$S/daemon/config.json" ]; then\n${writeFile("daemon/config.json", GATEWAY_CONFIG)}\nfi\n` : ""}sett() { ( set -a; . "$S/env"; exec "$S/cli/bin/sett" "$@" ) }
if [ -e "$S/daemon/daemon.lock" ]; then sett down </dev/null || exit 1; fi
sett login --token - ${hereDocument(token)}
CODE=$?
if [ "$CODE" != 0 ]; then exit "$CODE"; fi
${START}`;
};

/** Now and at every boot: by systemd where it runs, else by itself and cron. A local machine boots `boot.sh` of its own accord. */
const START = String.raw`if [ -n "$SYSTEMD" ]; then
  cat > "$UNIT" <<SETT_UNIT
[Unit]
Description=Sett daemon
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0
[Service]
Environment=HOME=$HOME
ExecStart=/bin/sh $S/boot.sh
Restart=always
RestartSec=5
RestartPreventExitStatus=3
[Install]
WantedBy=multi-user.target
SETT_UNIT
  if chmod 644 "$UNIT" && systemctl daemon-reload </dev/null && systemctl enable --quiet sett </dev/null && systemctl restart sett </dev/null; then exit 0; fi
  systemctl disable --now --quiet sett </dev/null
fi
if [ -z "$SETT_VM" ] && command -v crontab >/dev/null 2>&1; then
  { crontab -l 2>/dev/null </dev/null | grep -vF "$S/boot.sh"; echo "@reboot /bin/sh '$S/boot.sh'"; } | crontab - || echo "sett: no start at boot: crontab failed"
fi
launch "$S/boot.sh"
PID=$!
N=0
while [ "$N" -lt 30 ] && ! runs "$(cat "$S/boot.pid" 2>/dev/null)" "$S/boot.sh"; do N=$((N + 1)); pause; done
kill -0 "$PID" 2>/dev/null
`;

const GATEWAY_CONFIG = `${JSON.stringify({ watch: [{ name: "openclaw", command: ["openclaw", "gateway", "run", "--allow-unconfigured"], restart: "always", gateway: true }] })}\n`;

/** Reads what {@link probeCommand} printed; null when it is not there or not whole. */
export function parseProbe(output: string): ProbeResult | null {
  const line = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
  if (!line.startsWith('{"sett":1,')) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (value === null || typeof value !== "object") return null;
  const { state, percent, detail } = value as Readonly<Record<string, unknown>>;
  if (state !== "absent" && state !== "running" && state !== "done" && state !== "failed") return null;
  return {
    state,
    percent: typeof percent === "number" && Number.isFinite(percent) ? Math.min(100, Math.max(0, Math.floor(percent))) : 0,
    detail: typeof detail === "string" ? detail.slice(0, MAX_DETAIL_CHARS) : "",
  };
}

const named = (name: string, settings: Readonly<Record<string, unknown>>): string => `# sett:${name} ${toBase64Url(utf8(JSON.stringify(settings)))}`;

/** A file of `~/.sett`, replaced in one step. */
const writeFile = (name: string, content: string): string => `cat > "$S/${name}.$$" ${hereDocument(content)}
mv -f "$S/${name}.$$" "$S/${name}" || exit 1`;

/** Text given on stdin as it is, whatever is in it. */
function hereDocument(content: string): string {
  const text = content.replaceAll("\0", "");
  const lines = new Set(text.split("\n"));
  let end = "SETT_END";
  while (lines.has(end)) end += "_";
  return `<<'${end}'\n${text}${text.endsWith("\n") ? "" : "\n"}${end}`;
}

/** Variables as sh reads them. */
function environmentFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw new RangeError("a variable's name has capitals, digits and underscores only");
    return `${name}=${shQuote(value)}\n`;
  });
  // Updates of the daemon go where it was installed.
  return `${lines.join("")}SETT_HOME="$HOME/.sett/daemon"\nnpm_config_prefix="$HOME/.sett/cli"\n`;
}
