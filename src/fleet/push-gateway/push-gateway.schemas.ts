import { z } from "zod";

export const GatewayHealthView = z.object({ status: z.string(), timestamp: z.iso.datetime() }).meta({ id: "PushGatewayHealth" });
