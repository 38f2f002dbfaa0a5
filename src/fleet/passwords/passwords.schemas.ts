import { z } from "zod";
import { PASSWORD_MIN } from "./passwords.core";

const Email = z.email().max(254);

export const ForgotPasswordBody = z.object({ email: Email }).meta({ id: "ForgotPasswordRequest" });

export const ForgotPasswordView = z.object({ message: z.string() }).meta({ id: "ForgotPasswordResponse" });

export const ResetPasswordBody = z
  .object({ email: Email, code: z.string().length(6), new_password: z.string().min(PASSWORD_MIN).max(1_024) })
  .meta({ id: "ResetPasswordRequest" });

export const ResetPasswordView = z.object({ message: z.string() }).meta({ id: "ResetPasswordResponse" });
