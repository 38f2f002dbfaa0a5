/** A password to say over the telephone: no letters that look alike, in groups of four. */

const LETTERS = "abcdefghjkmnpqrstuvwxyz";
const ALPHABET = `${LETTERS}${LETTERS.toUpperCase().replace(/[IO]/g, "")}23456789`;
const GROUPS = 4;
const GROUP = 4;
/** Bytes at or beyond this are thrown away, so that every letter is as likely. */
const BYTES_USED = 256 - (256 % ALPHABET.length);

/** More than 90 bits, with a digit and both cases: most rules for passwords take it. @param random fills bytes at random, as `crypto.getRandomValues` */
export function newPassword(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  for (;;) {
    let letters = "";
    while (letters.length < GROUPS * GROUP) {
      for (const byte of random(new Uint8Array(GROUPS * GROUP))) {
        if (byte < BYTES_USED && letters.length < GROUPS * GROUP) letters += ALPHABET.charAt(byte % ALPHABET.length);
      }
    }
    if (/\d/.test(letters) && /[a-z]/.test(letters) && /[A-Z]/.test(letters)) return letters.match(/.{4}/g)?.join("-") ?? letters;
  }
}
