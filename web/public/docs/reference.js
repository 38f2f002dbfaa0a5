var storedTheme = null;
try {
  storedTheme = localStorage.getItem("sett.theme");
} catch {
  // Storage may be blocked; the system theme is used then.
}

// Everything that could call another host is off: fonts, telemetry, request proxy, agent, registry and developer tools.
Scalar.createApiReference("#reference", {
  sources: [
    { title: "Fleet", slug: "fleet", url: "/openapi.json", default: true },
    { title: "Governance", slug: "governance", url: "/api/v1/openapi.json" },
  ],
  theme: "default",
  layout: "modern",
  darkMode: storedTheme ? storedTheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches,
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
  persistAuth: false,
  documentDownloadType: "none",
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  baseServerURL: location.origin,
  metaData: { title: "API reference · Sett" },
});
