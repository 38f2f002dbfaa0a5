declare const __SETT_VERSION__: string | undefined;

/** Version of this CLI; put in by the bundler, a development mark when run from source. */
export const CLI_VERSION: string = typeof __SETT_VERSION__ === "string" ? __SETT_VERSION__ : "0.0.0-dev";
