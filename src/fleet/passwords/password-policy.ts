import { invalidField } from "../../kernel/errors/app-error";
import { weaknessOf } from "../accounts";
import { listedForms } from "./passwords.core";

/**
 * Refuses passwords that are none: too like the account's names, or on the list of leaked ones. The list is part of the worker
 * and loaded here alone; nothing about a password leaves us.
 * @param field name of the field in the body
 * @throws AppError VALIDATION_ERROR
 */
export async function requireStrongPassword(password: string, identity: { readonly email: string; readonly username: string }, field: string): Promise<void> {
  const weakness = weaknessOf(password, identity);
  if (weakness) throw invalidField(["body", field], weakness);
  const { commonPasswords } = await import("./common-passwords.gen");
  if (listedForms(password).some((form) => !form.includes("\n") && commonPasswords.includes(`\n${form}\n`))) {
    throw invalidField(["body", field], "This password is on lists of leaked passwords; choose another", "password_leaked");
  }
}
