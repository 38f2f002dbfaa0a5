import { connect } from "node:net";

/** @typedef {{ status: number, body: string }} Answer */

const REQUEST_TIMEOUT_MS = 15_000;

/**
 * Reads HTTP/1.1 answers from chunks of text: heads, then bodies by length, in chunks, or until the end. Bytes are read as
 * latin1, which is enough for the ASCII that the servers send here.
 */
export class AnswerReader {
  #buffer = "";
  /** @type {{ status: number, length: number | null } | null} */
  #head = null;
  #body = "";

  /** @param {{ onHead?: (status: number) => void, onBody?: (text: string) => void, onAnswer: (answer: Answer) => void }} hooks */
  constructor(hooks) {
    this.hooks = hooks;
  }

  /** @param {string} text */
  push(text) {
    this.#buffer += text;
    while (this.#step());
  }

  /** Whether something more could be read. */
  #step() {
    if (this.#head === null) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      if (end < 0) return false;
      const text = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + 4);
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
      this.#head = { status: Number(text.slice(9, 12)), length: length === undefined ? null : Number(length) };
      this.#body = "";
      this.hooks.onHead?.(this.#head.status);
      return true;
    }
    return this.#head.length === null ? this.#readChunk(this.#head.status) : this.#readWhole(this.#head.status, this.#head.length);
  }

  /** @param {number} status @param {number} length */
  #readWhole(status, length) {
    if (this.#buffer.length < length) return false;
    const body = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    this.#finish({ status, body });
    return true;
  }

  /** @param {number} status */
  #readChunk(status) {
    const end = this.#buffer.indexOf("\r\n");
    if (end < 0) return false;
    const size = Number.parseInt(this.#buffer.slice(0, end), 16);
    if (this.#buffer.length < end + 2 + size + 2) return false;
    const text = this.#buffer.slice(end + 2, end + 2 + size);
    this.#buffer = this.#buffer.slice(end + 2 + size + 2);
    if (size === 0) {
      this.#finish({ status, body: this.#body });
      return true;
    }
    if (this.hooks.onBody) this.hooks.onBody(text);
    else this.#body += text;
    return true;
  }

  /** @param {Answer} answer */
  #finish(answer) {
    this.#head = null;
    this.hooks.onAnswer(answer);
  }
}

/** The text of a request. @param {{ method: string, path: string, host: string, token: string, body?: string, headers?: string }} request */
export function requestText({ method, path, host, token, body, headers = "" }) {
  const content = body === undefined ? "" : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n${headers}${content}\r\n${body ?? ""}`;
}

/** One kept-alive connection with one request at a time: less work per request than a general client, so that the generator is not what is measured. */
export class HttpConnection {
  /** @type {import("node:net").Socket | null} */
  #socket = null;
  /** @type {((answer: Answer) => void) | null} */
  #waiting = null;

  /** @param {{ host: string, port: number }} target */
  constructor(target) {
    this.target = target;
  }

  /** @param {string} text a whole request @returns {Promise<Answer>} status 0 when the connection failed or nothing came in time */
  send(text) {
    return new Promise((resolve) => {
      const socket = this.#socket ?? this.#open();
      const timer = setTimeout(() => this.#drop("no answer in time"), REQUEST_TIMEOUT_MS);
      this.#waiting = (answer) => {
        clearTimeout(timer);
        this.#waiting = null;
        resolve(answer);
      };
      socket.write(text);
    });
  }

  #open() {
    const socket = connect({ ...this.target, noDelay: true });
    const reader = new AnswerReader({ onAnswer: (answer) => this.#waiting?.(answer) });
    socket.setEncoding("latin1");
    socket.on("data", (text) => reader.push(String(text)));
    socket.on("error", (error) => this.#drop(error.message));
    socket.on("close", () => this.#drop("the server closed the connection"));
    this.#socket = socket;
    return socket;
  }

  /** @param {string} reason */
  #drop(reason) {
    this.#socket?.removeAllListeners("close").destroy();
    this.#socket = null;
    this.#waiting?.({ status: 0, body: reason });
  }

  close() {
    this.#drop("closed");
  }
}
