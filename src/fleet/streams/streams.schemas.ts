import { z } from "zod";

const eventId = z.string().regex(/^\d{1,15}$/);

export const MachineStreamQuery = z.object({ instance_id: z.string().min(1).max(255).optional() });
export const MachineSocketQuery = z.object({ instance_id: z.string().min(1).max(255), last_event_id: eventId.optional() });
export const DashboardStreamQuery = z.object({ token: z.string().optional(), named: z.enum(["0", "1"]).optional(), last_event_id: eventId.optional() });
