import { z } from "zod";

export const BrokerRef = z.object({ id: z.string().min(1).max(64) });

/** `message`: where a server of the older transport wants this message, as the broker told it in the stream. */
export const BrokerQuery = z.object({ message: z.string().min(1).max(8_192).optional() });
