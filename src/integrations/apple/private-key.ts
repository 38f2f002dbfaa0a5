/** A `.p8` file as PEM. Environment files hold line breaks as `\n`, or only the middle of the file. */
export function toPem(privateKey: string): string {
  const text = privateKey.replaceAll("\\n", "\n").trim();
  return text.startsWith("-----") ? text : `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`;
}
