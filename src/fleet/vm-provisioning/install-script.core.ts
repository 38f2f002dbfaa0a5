/**
 * The shell texts that stay on a computer: what installs the software, and what keeps the daemon running. POSIX sh; written for a plain Debian
 * or Ubuntu as root, and for a local machine (`SETT_VM` is set) that has Node and nothing to administer. No I/O.
 */

/** A word of sh that stands for exactly this text. NUL, which no shell can hold, is dropped. */
export const shQuote = (text: string): string => `'${text.replaceAll("\0", "").replaceAll("'", String.raw`'\''`)}'`;

/** Beginning of every script: where things are, whether a noted process still runs a script, and how one of several that start takes its turn. */
export const PREAMBLE = String.raw`umask 077
if [ -z "$HOME" ]; then HOME=/root; export HOME; fi
S="$HOME/.sett"
PATH="$S/cli/bin:$S/node/bin:$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export PATH
pause() { sleep 0.1 2>/dev/null || sleep 1; }
runs() {
  case "$1" in ''|*[!0-9]*) return 1 ;; esac
  kill -0 "$1" 2>/dev/null || return 1
  if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' < "/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$2"; else ps -p "$1" -o args= 2>/dev/null | grep -qF -- "$2"; fi
}
installing() { runs "$(cat "$S/install.lock" 2>/dev/null)" "$S/install.sh"; }
state() { sed -n 's/^{"state":"\([a-z]*\)".*/\1/p' "$S/install.json" 2>/dev/null; }
take() {
  echo "$$" > "$1.$$"
  for TRY in 1 2 3 4 5; do
    if ln "$1.$$" "$1" 2>/dev/null; then rm -f "$1.$$"; return 0; fi
    HELD=$(cat "$1" 2>/dev/null)
    if [ "$HELD" != "$$" ] && runs "$HELD" "$2"; then break; fi
    # Its holder died. Of several who move it away one wins, and gives back what was not the dead one's.
    if mv "$1" "$1.$$.stale" 2>/dev/null; then
      [ "$(cat "$1.$$.stale")" = "$HELD" ] || ln "$1.$$.stale" "$1" 2>/dev/null
      rm -f "$1.$$.stale"
    fi
  done
  rm -f "$1.$$"
  return 1
}
launch() {
  if command -v setsid >/dev/null 2>&1; then setsid nohup /bin/sh "$1" >/dev/null 2>&1 </dev/null &
  else nohup /bin/sh "$1" >/dev/null 2>&1 </dev/null &
  fi
}
`;

/** OpenClaw's own condition; our command line takes any of these, and any from 22.12. */
const NODE_FIT = "a === 24 && b >= 16 || a === 26 && b >= 1 || a > 26";

/**
 * The installation. Progress goes to `install.json`, replaced in one step at each stage; a failure leaves the last line of its log there. Of two
 * at once one goes on. Node comes from nodejs.org with its checksum where there is none that fits (`SETT_NODE_DIST` names another place).
 */
export const installScript = (serverUrl: string, installsRuntime: boolean): string => String.raw`#!/bin/sh
# Installs Sett on this computer. Made by Sett.
URL=${shQuote(serverUrl)}
RUNTIME=${installsRuntime ? "1" : ""}
${PREAMBLE}LOG="$S/install.log"
exec >>"$LOG" 2>&1 </dev/null
mark() {
  TEXT=$(printf '%s' "$3" | tr '"\\\t' "'/ " | LC_ALL=C tr -cd '\040-\176' | cut -c 1-200)
  printf '{"state":"%s","percent":%d,"detail":"%s"}\n' "$1" "$2" "$TEXT" > "$S/install.json.$$" && mv -f "$S/install.json.$$" "$S/install.json"
}
ended() {
  trap - EXIT
  [ -n "$OK" ] || mark failed "$PERCENT" "$STAGE: $(grep -v -e '^[[:space:]]*$' -e 'complete log of this run' "$LOG" | tail -n 1)"
  rm -f "$S/install.lock"
}
stage() { PERCENT=$1; STAGE=$2; echo "== $2"; mark running "$1" "$2"; }
apt() {
  SUDO=; [ "$(id -u)" = 0 ] || SUDO="sudo -n"
  $SUDO env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}
fetch() {
  if command -v curl >/dev/null 2>&1; then curl -fsSL --retry 3 --connect-timeout 20 -o "$2" "$1"; else wget -q -T 60 -O "$2" "$1"; fi
}
node_fits() {
  command -v npm >/dev/null 2>&1 && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(${installsRuntime ? NODE_FIT : `a === 22 && b >= 12 || a > 22`} ? 0 : 1)' 2>/dev/null
}
install_node() {
  if [ -n "$SETT_VM" ]; then echo "This local machine has no Node that fits: Node 22.12 or newer and npm must be where the server runs"; return 1; fi
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) ARCH=linux-x64 ;;
    Linux-aarch64|Linux-arm64) ARCH=linux-arm64 ;;
    *) echo "There is no Node for $(uname -s) on $(uname -m)"; return 1 ;;
  esac
  if ! command -v curl >/dev/null 2>&1 && ! command -v wget >/dev/null 2>&1; then
    stage 5 "Installing curl"
    apt update && apt install -y curl ca-certificates || return 1
  fi
  stage 12 "Downloading Node"
  DIST="$SETT_NODE_DIST"; [ -n "$DIST" ] || DIST=https://nodejs.org/dist/latest-v24.x
  T="$S/node.new"
  rm -rf "$T" && mkdir "$T" && fetch "$DIST/SHASUMS256.txt" "$T/sums" || return 1
  FILE=$(sed -n "s/^[0-9a-f]\{64\}  \(node-v24\.[0-9.]*-$ARCH\.tar\.gz\)\$/\1/p" "$T/sums" | head -n 1)
  if [ -z "$FILE" ]; then echo "There is no Node 24 for $ARCH at $DIST"; return 1; fi
  fetch "$DIST/$FILE" "$T/$FILE" || return 1
  stage 30 "Unpacking Node"
  (cd "$T" && grep "  $FILE\$" sums | sha256sum -c -) || return 1
  mkdir "$T/node" && tar -xzf "$T/$FILE" -C "$T/node" --strip-components=1 || return 1
  rm -rf "$S/node" && mv "$T/node" "$S/node" && rm -rf "$T" || return 1
  hash -r
  # Small images lack a library of its.
  "$S/node/bin/node" --version || { apt update && apt install -y libatomic1 libstdc++6 && "$S/node/bin/node" --version; }
}

take "$S/install.lock" "$S/install.sh" || exit 0
OK=
PERCENT=0
STAGE="Starting"
trap ended EXIT
trap 'echo "The installation was interrupted"; exit 143' TERM INT HUP
stage 2 "Looking for Node"
node_fits || install_node || exit 1
node_fits || { echo "Node $(node --version) does not fit"; exit 1; }
stage 45 "Installing the Sett daemon"
npm install --global --prefix "$S/cli" --ignore-scripts --prefer-online --no-audit --no-fund --no-update-notifier --loglevel=error "$URL/cli/sett-cli.tgz" || exit 1
"$S/cli/bin/sett" --version || exit 1
if [ -n "$RUNTIME" ]; then
  stage 60 "Installing OpenClaw"
  npm install --global --prefix "$S/cli" --no-audit --no-fund --no-update-notifier --loglevel=error openclaw@latest || exit 1
  stage 95 "Looking at OpenClaw"
  "$S/cli/bin/openclaw" --version || exit 1
fi
OK=1
mark done 100 "Installed"
`;

/** What runs at boot: the daemon, again and again, a little later each time it ends soon. It ends when the daemon's token is dead. */
export const bootScript = (watchesRuntime: boolean): string => String.raw`#!/bin/sh
# Keeps the Sett daemon of this computer running. Made by Sett, anew at each set-up.
${PREAMBLE}LOG="$S/daemon.log"
exec >>"$LOG" 2>&1 </dev/null
take "$S/boot.pid" "$S/boot.sh" || exit 0
set -a
. "$S/env"
set +a
D=
trap 'trap "" TERM INT HUP; [ -z "$D" ] || { kill "$D" 2>/dev/null; wait "$D"; }; exit 0' TERM INT HUP
WAIT=1
while :; do
  [ "$(wc -c < "$LOG")" -lt 1000000 ] || : > "$LOG"
  BEGAN=$(date +%s)
  "$S/cli/bin/sett" -q up --name="$SETT_LABEL"${watchesRuntime ? "" : " --no-openclaw"} &
  D=$!
  wait "$D"
  CODE=$?
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) the daemon ended with $CODE"
  # Its token is dead: only another set-up helps.
  if [ "$CODE" = 3 ]; then exit 3; fi
  if [ $(($(date +%s) - BEGAN)) -gt 60 ]; then WAIT=1; fi
  sleep "$WAIT" &
  D=$!
  wait "$D"
  WAIT=$((WAIT * 2))
  if [ "$WAIT" -gt 60 ]; then WAIT=60; fi
done
`;
