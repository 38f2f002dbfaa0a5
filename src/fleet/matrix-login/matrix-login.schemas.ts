import { z } from "zod";

export const MatrixLoginBody = z.object({ username: z.string().min(1).max(320), password: z.string().min(1).max(1_024) }).meta({ id: "MatrixLoginRequest" });

export const MatrixLoginView = z.object({ access_token: z.string(), user_id: z.string(), device_id: z.string() }).meta({ id: "MatrixLoginResponse" });
