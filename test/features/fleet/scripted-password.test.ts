import { expect, it } from "vitest";
import { createPasswords } from "../../../src/integrations/argon2/passwords";
import { fromBase64Url } from "../../../src/kernel/crypto/bytes";
import { scriptedPassword } from "../../support/scripted-password";
import { testSecrets } from "../../support/secrets";

it("accepts the administrator's password as npm start hashed it", async () => {
  const passwords = createPasswords(fromBase64Url(testSecrets.PASSWORD_PEPPER) ?? new Uint8Array());
  expect(await passwords.verify(scriptedPassword.password, scriptedPassword.phc)).toBe(true);
  expect(await passwords.verify("another", scriptedPassword.phc)).toBe(false);
});
