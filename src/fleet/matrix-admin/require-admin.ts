import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import type { MatrixAdmin } from "../../kernel/ports/matrix";

/** Called before anything else. @throws AppError MATRIX_UNAVAILABLE when there is no homeserver, or no token of an administrator there */
export function requireMatrixAdmin(ctx: Ctx): MatrixAdmin {
  const { matrix } = ctx.services;
  if (!matrix) throw new AppError("MATRIX_UNAVAILABLE", "No Matrix homeserver is configured.");
  if (!matrix.admin) throw new AppError("MATRIX_UNAVAILABLE", "The Matrix homeserver is not configured for administration: MATRIX_ADMIN_TOKEN is needed.");
  return matrix.admin;
}
