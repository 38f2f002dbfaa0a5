/**
 * The statement that makes a verified account an administrator, answering its address. Wrangler takes no parameters for a
 * remote statement, so the address is held to a form that needs no quoting.
 * @param {string} email
 * @throws when it is no plain address
 */
export function promotionSql(email) {
  const key = email.trim().toLowerCase();
  if (!/^[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(key)) throw new Error(`"${email}" is no plain e-mail address.`);
  return `UPDATE users SET role = 'superadmin', version = version + 1 WHERE email_key = '${key}' AND account_verified = 1 AND status = 'active' RETURNING email_key`;
}
