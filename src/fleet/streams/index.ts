export { openFilteredStream } from "./open-streams";
export { DashboardStreamQuery } from "./streams.schemas";
