import { z } from "zod";

export const MatrixActionView = z
  .object({ ok: z.boolean(), success: z.boolean(), user_id: z.int(), status: z.string(), matrix_id: z.string(), needs_matrix_password_sync: z.boolean() })
  .meta({ id: "AdminUserMatrixAction" });

export const CreateMatrixAccountBody = z.object({ username: z.string().max(320).nullish() }).meta({ id: "AdminCreateMatrixAccountRequest" });

export const CreateMatrixAccountView = z
  .object({ matrix_id: z.string(), matrix_account_created: z.boolean(), matrix_error: z.string().nullable() })
  .meta({ id: "AdminCreateMatrixAccountResponse" });
