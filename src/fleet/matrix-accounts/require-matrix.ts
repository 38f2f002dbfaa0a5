import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import type { Matrix, MatrixAdmin, MatrixBots } from "../../kernel/ports/matrix";

/** A homeserver where we may do everything that bots need. */
export interface BotHomeserver {
  readonly matrix: Matrix;
  readonly admin: MatrixAdmin;
  readonly bots: MatrixBots;
  readonly publicUrl: string;
}

/** @throws AppError MATRIX_UNAVAILABLE when none is configured: called before anything is changed */
export function requireMatrix(ctx: Ctx): Matrix {
  if (!ctx.services.matrix) throw new AppError("MATRIX_UNAVAILABLE", "No Matrix homeserver is configured.");
  return ctx.services.matrix;
}

/** @throws AppError MATRIX_UNAVAILABLE when bots cannot be managed: no homeserver, no application service, or no administrator */
export function requireBotHomeserver(ctx: Ctx): BotHomeserver {
  const found = findBotHomeserver(ctx);
  if (found) return found;
  requireMatrix(ctx);
  throw new AppError("MATRIX_UNAVAILABLE", "The Matrix homeserver is not configured for bots: MATRIX_AS_TOKEN and MATRIX_ADMIN_TOKEN are both needed.");
}

/** The same, or null. */
export function findBotHomeserver(ctx: Ctx): BotHomeserver | null {
  const { matrix } = ctx.services;
  return matrix?.admin && matrix.bots && ctx.config.matrix ? { matrix, admin: matrix.admin, bots: matrix.bots, publicUrl: ctx.config.matrix.publicUrl } : null;
}
