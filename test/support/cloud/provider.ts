import type { createOrgoDouble } from "../orgo/double.mjs";

/** The provider of the project `cloud`, which lives in Node: each call goes there and back as JSON. */

type Double = ReturnType<typeof createOrgoDouble>;
type Control = { readonly [K in Exclude<keyof Double, "fetch" | "apiKey" | "basePath">]: Double[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never };

async function call(method: string, args: readonly unknown[]): Promise<unknown> {
  const response = await fetch(`http://doubles.test/orgo/${method}`, { method: "POST", body: JSON.stringify(args) });
  if (!response.ok) throw new Error(`orgo.${method}: ${await response.text()}`);
  return response.json();
}

/** The account at Orgo, from its owner's side and from chaos'. */
// The proxy has every method that its type names, and the double checks what it is given.
export const orgo = new Proxy({}, { get: (_, method) => (method === "then" ? undefined : (...args: readonly unknown[]) => call(String(method), args)) }) as Control;
