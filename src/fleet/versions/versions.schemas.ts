import { z } from "zod";

export const LatestVersionsView = z
  .object({ cli: z.string(), plugin: z.string(), supported_openclaw: z.string(), supported_hermes: z.string() })
  .meta({ id: "LatestVersionsResponse" });
