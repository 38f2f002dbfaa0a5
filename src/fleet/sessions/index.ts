export { revokeAllSessionRows } from "./sessions.store";
