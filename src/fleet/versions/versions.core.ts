/** npm packages of the components. Hermes is a container image, which no npm registry has. */
export const PACKAGES = { cli: "badgerclaw", plugin: "@badgerclaw/connect", openclaw: "openclaw" } as const;
