export { cutStreams, cutStreamsEffect } from "./cut-streams";
export { forgetEndedSessions, revokeAllSessionRows } from "./sessions.store";
