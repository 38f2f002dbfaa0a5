/**
 * The frame of a smoke journey: named steps in order, one line each (`ok NAME`, `not ok NAME`, `skip NAME reason`), exit code 0 or 1.
 * After a failed step the rest is not tried, because each builds on the one before.
 */

/** @typedef {{ step: (name: string, work: () => Promise<void> | void) => Promise<void>, skip: (name: string, reason: string) => void, cleanUp: (undo: () => Promise<unknown> | unknown) => void }} Journey */

/** @param {(journey: Journey) => Promise<void>} tell */
export async function journey(tell) {
  /** @type {(() => Promise<unknown> | unknown)[]} */
  const undos = [];
  let failed = false;
  try {
    await tell({
      async step(name, work) {
        try {
          await work();
          process.stdout.write(`ok ${name}\n`);
        } catch (error) {
          process.stdout.write(`not ok ${name}\n`);
          throw error;
        }
      },
      skip: (name, reason) => void process.stdout.write(`skip ${name} ${reason}\n`),
      cleanUp: (undo) => void undos.push(undo),
    });
  } catch (error) {
    failed = true;
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
  for (const undo of undos.toReversed()) await Promise.resolve(undo()).catch((error) => process.stderr.write(`cleaning up: ${String(error)}\n`));
  process.exit(failed ? 1 : 0);
}
