import { z } from "zod";
import { SkillSummary } from "../machines";

export const BotRef = z.object({ bot_id: z.string().min(1).max(255) });

export const BotSkillsResponse = z.array(SkillSummary);

export const LeaveRoomBody = z.object({ roomId: z.string().min(1).max(255) }).meta({ id: "LeaveRoomRequest" });

export const BotDashboardBotStats = z
  .object({
    bot_id: z.string(),
    bot_name: z.string(),
    bot_username: z.string(),
    status: z.string(),
    activity_state: z.string(),
    messages_received: z.int(),
    messages_sent: z.int(),
    chunked_messages: z.int(),
    total_chunks_sent: z.int(),
    errors: z.int(),
    last_error: z.string().nullable(),
    last_error_at: z.string().nullable(),
    uptime_seconds: z.int(),
    rooms_active: z.int(),
    last_activity_at: z.string().nullable(),
    machine_hostname: z.string().nullable(),
    updated_at: z.string().nullable(),
  })
  .meta({ id: "BotDashboardBotStats" });
export type BotStats = z.output<typeof BotDashboardBotStats>;

export const BotDashboardSummary = z
  .object({
    total_bots: z.int(),
    online_bots: z.int(),
    total_messages_sent: z.int(),
    total_messages_received: z.int(),
    total_errors: z.int(),
    total_rooms_active: z.int(),
    bots: z.array(BotDashboardBotStats),
  })
  .meta({ id: "BotDashboardSummary" });
export type BotDashboard = z.output<typeof BotDashboardSummary>;
