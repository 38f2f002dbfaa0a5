import { createHash } from "node:crypto";

/**
 * A generator that gives the same numbers for the same seed and name. Every kind of row has one of its own, so that a change of one kind
 * leaves the others as they were.
 * @typedef {ReturnType<typeof createRandom>} Random
 */

/** @param {string} seed @param {string} name */
export function createRandom(seed, name) {
  const words = createHash("sha256").update(`${seed}\0${name}`).digest();
  let [a, b, c, d] = [words.readUInt32LE(0), words.readUInt32LE(4), words.readUInt32LE(8), words.readUInt32LE(12)];

  /** 32 bits: sfc32. */
  const bits = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) bits();

  /** From 0 up to but not 1. */
  const unit = () => bits() / 4_294_967_296;
  /** A whole number below `below`. @param {number} below */
  const integer = (below) => Math.floor(unit() * below);
  /** @param {number} chance 0 to 1 */
  const happens = (chance) => unit() < chance;
  /** @template T @param {readonly T[]} list @returns {T} */
  const pick = (list) => /** @type {T} */ (list[integer(list.length)]);
  /** Digits `0` to `f`. @param {number} length */
  const hex = (length) => {
    let text = "";
    while (text.length < length) text += bits().toString(16).padStart(8, "0");
    return text.slice(0, length);
  };
  /** A UUID of version 4. */
  const uuid = () => {
    const digits = hex(32);
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${"89ab"[integer(4)]}${digits.slice(17, 20)}-${digits.slice(20)}`;
  };
  /** Characters out of `alphabet`. @param {string} alphabet @param {number} length */
  const text = (alphabet, length) => {
    let out = "";
    for (let i = 0; i < length; i++) out += alphabet[integer(alphabet.length)];
    return out;
  };
  /** @param {number} length */
  const bytes = (length) => Buffer.from(hex(length * 2), "hex");
  return { unit, integer, happens, pick, hex, uuid, text, bytes };
}
