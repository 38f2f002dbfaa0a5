/** Builds the console into web/dist, with the API reference beside it as plain static files. */
import { copyFileSync, createReadStream, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type ProxyOptions } from "vite";

const webDir = dirname(fileURLToPath(import.meta.url));
const scalarScript = join(webDir, "../node_modules/@scalar/api-reference/dist/browser/standalone.js");
const apiTarget = process.env["SETT_API"] ?? "http://127.0.0.1:8787";

/** Ships Scalar's own standalone build next to docs/index.html, so that the reference needs no other host. */
function bundleApiReference(): Plugin {
  return {
    name: "sett:api-reference",
    configureServer(server) {
      server.middlewares.use("/docs/scalar.js", (_request, response) => {
        response.setHeader("content-type", "text/javascript");
        createReadStream(scalarScript).pipe(response);
      });
    },
    closeBundle() {
      const target = join(webDir, "dist/docs");
      mkdirSync(target, { recursive: true });
      copyFileSync(scalarScript, join(target, "scalar.js"));
    },
  };
}

/** `/dev/mailbox` is a page for browsers and an answer for fetch; only the second goes to the API. */
const mailboxProxy: ProxyOptions = {
  target: apiTarget,
  bypass: (request) => (request.headers.accept?.includes("text/html") ? "/index.html" : undefined),
};

export default defineConfig({
  root: webDir,
  plugins: [react(), tailwindcss(), bundleApiReference()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: ["es2023", "chrome123", "firefox121", "safari17.5"],
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { "/api": apiTarget, "/health": apiTarget, "/openapi.json": apiTarget, "/dev/mailbox": mailboxProxy },
  },
});
