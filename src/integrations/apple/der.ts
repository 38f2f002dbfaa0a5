/** A strict reader of DER (ITU-T X.690), for as much of it as certificates need: every value has one encoding, and everything else is refused. */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  version: 0xa0,
  extensions: 0xa3,
} as const;

/** Two bytes of length: no certificate comes near 64 KiB. */
const MAX_LENGTH_BYTES = 2;

/** Not DER, or not what stands at this place. */
export class DerError extends Error {
  override readonly name = "DerError";
}

export interface DerValue {
  readonly tag: number;
  /** With tag and length, as it is signed and compared. */
  readonly whole: Uint8Array<ArrayBuffer>;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** The values that fill `bytes` one after the other, to the last byte. @throws DerError */
export function readDer(bytes: Uint8Array<ArrayBuffer>): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = byteAt(bytes, at);
    if ((tag & 0x1f) === 0x1f) throw new DerError("a tag of several bytes");
    const { length, from } = readLength(bytes, at + 1);
    const end = from + length;
    if (end > bytes.length) throw new DerError("a value that ends early");
    values.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(from, end) });
    at = end;
  }
  return values;
}

function readLength(bytes: Uint8Array, at: number): { readonly length: number; readonly from: number } {
  const first = byteAt(bytes, at);
  if (first < 0x80) return { length: first, from: at + 1 };
  const size = first - 0x80;
  if (size === 0 || size > MAX_LENGTH_BYTES) throw new DerError("a length without end or beyond reason");
  let length = 0;
  for (let i = 1; i <= size; i++) length = length * 256 + byteAt(bytes, at + i);
  if (length < 0x80 || byteAt(bytes, at + 1) === 0) throw new DerError("a length that is longer than need be");
  return { length, from: at + 1 + size };
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new DerError("a value that ends early");
  return byte;
}

/** A reader over the parts of a constructed value that takes them in order. */
export interface DerParts {
  /** The next part, which must have this tag. @throws DerError */
  take(tag: number): DerValue;
  /** The next part when it has this tag. */
  takeIf(tag: number): DerValue | null;
  /** @throws DerError when a part is left */
  end(): void;
}

/** The parts inside a value. @throws DerError */
export function partsOf(value: DerValue): DerParts {
  const values = readDer(value.content);
  let at = 0;
  const takeIf = (tag: number): DerValue | null => {
    const next = values[at];
    if (next?.tag !== tag) return null;
    at += 1;
    return next;
  };
  return {
    takeIf,
    take(tag) {
      const next = takeIf(tag);
      if (!next) throw new DerError(`no value with tag ${tag} where one belongs`);
      return next;
    },
    end() {
      if (at < values.length) throw new DerError("more values than belong here");
    },
  };
}

/** The one value that `bytes` are. @throws DerError */
export function readOne(bytes: Uint8Array<ArrayBuffer>, tag: number): DerValue {
  const [value, ...more] = readDer(bytes);
  if (value?.tag !== tag || more.length > 0) throw new DerError(`not one value with tag ${tag}`);
  return value;
}

/** @throws DerError */
export function readBoolean(value: DerValue): boolean {
  const [byte] = value.content;
  if (value.content.length !== 1 || (byte !== 0x00 && byte !== 0xff)) throw new DerError("a boolean that is neither");
  return byte === 0xff;
}

/** The bytes of a bit string that ends on a whole byte. @throws DerError */
export function readBits(value: DerValue): Uint8Array<ArrayBuffer> {
  if (value.content[0] !== 0 || value.content.length < 2) throw new DerError("a bit string of broken bytes");
  return value.content.subarray(1);
}

/** A positive integer, big-endian in exactly `size` bytes. @throws DerError */
export function readUnsigned(value: DerValue, size: number): Uint8Array<ArrayBuffer> {
  const { content } = value;
  const [first, second = 0] = content;
  if (first === undefined || first >= 0x80 || (first === 0 && content.length > 1 && second < 0x80)) throw new DerError("an integer that is negative or padded");
  const digits = first === 0 ? content.subarray(1) : content;
  if (digits.length > size) throw new DerError("an integer too large");
  const out = new Uint8Array(size);
  out.set(digits, size - digits.length);
  return out;
}

/** Milliseconds since the epoch of a UTCTime or GeneralizedTime, in the forms that RFC 5280 §4.1.2.5 allows. @throws DerError */
export function readTime(value: DerValue): number {
  const text = String.fromCharCode(...value.content);
  const digits = value.tag === TAG.utcTime && /^\d{12}Z$/.test(text) ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : value.tag === TAG.generalizedTime && /^\d{14}Z$/.test(text) ? text : null;
  if (digits === null) throw new DerError("a time in a form that certificates do not use");
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6.000Z");
  const ms = Date.parse(iso);
  // Some engines move the 30th of February into March.
  if (!Number.isFinite(ms) || new Date(ms).toISOString() !== iso) throw new DerError("a time that never is");
  return ms;
}
