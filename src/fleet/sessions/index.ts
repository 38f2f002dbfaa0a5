export { cutStreams, cutStreamsEffect } from "./cut-streams";
export { revokeAllSessionRows } from "./sessions.store";
