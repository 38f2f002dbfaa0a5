/** Writes the DER of certificates, apart from the reader under test. Web standards only. */

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** @param {...(Bytes | readonly number[])} parts @returns {Bytes} */
export function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** @param {number} tag @param {...(Bytes | readonly number[])} parts @returns {Bytes} */
export function tlv(tag, ...parts) {
  const content = join(...parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return join([tag], length, content);
}

/** @param {...(Bytes | readonly number[])} parts */
export const sequence = (...parts) => tlv(0x30, ...parts);

/** @param {string} dotted @returns {Bytes} */
export function oid(dotted) {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const digits = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tlv(0x06, bytes);
}

/** An unsigned big-endian number as INTEGER. @param {Bytes | readonly number[]} bytes @returns {Bytes} */
export function unsigned(bytes) {
  let digits = [...bytes];
  while (digits.length > 1 && digits[0] === 0) digits = digits.slice(1);
  return tlv(0x02, (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits);
}

/** @param {Bytes | readonly number[]} bytes @param {number} [unused] */
export const bitString = (bytes, unused = 0) => tlv(0x03, [unused], bytes);

/** @param {string} text */
const ascii = (text) => [...text].map((char) => char.charCodeAt(0));

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). @param {number} ms */
export function time(ms) {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, "").replace(/\.\d+Z$/, "Z");
  return Number(text.slice(0, 4)) < 2050 ? tlv(0x17, ascii(text.slice(2))) : tlv(0x18, ascii(text));
}

/** A name of nothing but a common name. @param {string} commonName */
export const name = (commonName) => sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, ascii(commonName)))));

/** @param {string} id @param {boolean} critical @param {Bytes} value */
export const extension = (id, critical, value) => sequence(oid(id), critical ? tlv(0x01, [0xff]) : [], tlv(0x04, value));
