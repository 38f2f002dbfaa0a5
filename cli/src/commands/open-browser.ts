import { spawn } from "node:child_process";

/** Tries to show a page in the user's browser. Never fails and never waits; false when there is nothing to try. */
export function openBrowser(url: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const command = browserCommand(process.platform, env);
  if (command === undefined) return false;
  const [program, ...args] = command;
  try {
    const child = spawn(program ?? "", [...args, url], { stdio: "ignore", detached: true });
    child.on("error", () => undefined);
    child.unref();
    return true;
  } catch {
    return false;
  }
}

/** The opener of a platform; undefined on a Linux machine without a screen. Pure. */
export function browserCommand(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): readonly string[] | undefined {
  if (platform === "darwin") return ["open"];
  // "start" is a builtin of cmd, and takes its first quoted word for a window title.
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  if (!env["DISPLAY"] && !env["WAYLAND_DISPLAY"] && !env["BROWSER"] && !env["WSL_DISTRO_NAME"]) return undefined;
  return ["xdg-open"];
}
