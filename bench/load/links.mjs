import { connect } from "node:net";
import { WebSocket } from "ws";
import { AnswerReader, requestText } from "./http-connection.mjs";

/** @typedef {{ instanceId: string, token: string, userToken: string }} Machine */
/** @typedef {{ host: string, port: number }} Target */
/** A held connection of one machine. @typedef {{ close: () => void, send?: (text: string) => void }} Link */
/** @typedef {{ onCommand: () => void, onBeatOk?: () => void, onPong?: () => void, onLost: () => void }} LinkHooks */

const OPEN_TIMEOUT_MS = 20_000;

/**
 * Settles once, at the latest when the time is up.
 * @template T
 * @param {(resolve: (value: T) => void, reject: (error: Error) => void) => void} work
 * @returns {Promise<T>}
 */
function within(work) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the link did not open in time")), OPEN_TIMEOUT_MS);
    work(
      (value) => (clearTimeout(timer), resolve(value)),
      (error) => (clearTimeout(timer), reject(error)),
    );
  });
}

/** Holds the stream of a machine. @param {Target} target @param {Machine} machine @param {LinkHooks} hooks @returns {Promise<Link>} once the first bytes came */
export function openStream(target, machine, hooks) {
  return within((resolve, reject) => {
    const socket = connect({ ...target, noDelay: true });
    let status = 0;
    let text = "";
    const reader = new AnswerReader({
      onHead: (code) => {
        status = code;
      },
      onBody: (chunk) => {
        if (status === 200) resolve({ close: () => socket.destroy() });
        text += chunk;
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          if (text.slice(0, end).includes('"type":"command"')) hooks.onCommand();
          text = text.slice(end + 2);
        }
      },
      onAnswer: ({ body }) => reject(new Error(`the stream answered ${status}: ${body.slice(0, 200)}`)),
    });
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => reader.push(String(chunk)));
    socket.on("error", reject);
    socket.on("close", hooks.onLost);
    const path = `/api/v1/openclaw/events?instance_id=${encodeURIComponent(machine.instanceId)}`;
    socket.write(requestText({ method: "GET", path, host: `${target.host}:${target.port}`, token: machine.token, headers: "Accept: text/event-stream\r\n" }));
  });
}

/** Holds the socket of a machine. @param {Target} target @param {Machine} machine @param {LinkHooks} hooks @returns {Promise<Link>} once `hello` came */
export function openSocket(target, machine, hooks) {
  return within((resolve, reject) => {
    const url = `ws://${target.host}:${target.port}/api/v1/openclaw/socket?instance_id=${encodeURIComponent(machine.instanceId)}`;
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${machine.token}` }, perMessageDeflate: false, skipUTF8Validation: true });
    /** @type {Link} */
    const link = { close: () => socket.terminate(), send: (text) => socket.send(text) };
    socket.on("message", (data) => {
      const text = data.toString();
      if (text === "pong") hooks.onPong?.();
      else if (text.startsWith('{"t":"beat.ok"')) hooks.onBeatOk?.();
      else if (text.startsWith('{"t":"hello"')) resolve(link);
      else if (text.includes('"type":"command"')) hooks.onCommand();
    });
    socket.on("unexpected-response", (_request, response) => reject(new Error(`the socket answered ${response.statusCode}`)));
    socket.on("error", reject);
    socket.on("close", hooks.onLost);
  });
}
