export { openSession, type Entrance } from "./create-session";
export { cutStreams, cutStreamsEffect } from "./cut-streams";
export { prolongSession } from "./refresh-session";
export { forgetEndedSessions, listSessionRows, revokeAllSessionRows, type Session } from "./sessions.store";
