import { readJsonFile, readText, removeFile, writeFileAtomic } from "../core/files";
import { isObject, stringField, type JsonObject } from "../core/json";
import type { Contract } from "./contract";
import { verifyContract } from "./signed-contract";

/** A contract that was proved once, with what proves it again. */
export interface KeptContract {
  readonly server: string;
  readonly jws: string;
  readonly key: JsonObject;
  readonly contract: Contract;
}

/** What a governed machine knows after a restart without the network: nothing, its contract, or that there was one. */
export type Remembered = { readonly kind: "none" } | { readonly kind: "kept"; readonly kept: KeptContract } | { readonly kind: "broken"; readonly detail: string };

/** The last valid contract on disk (0600). A file that is there and cannot be proved means: governed, by nobody knows what. */
export class ContractStore {
  constructor(private readonly path: string) {}

  read(): Remembered {
    try {
      if (readText(this.path) === undefined) return { kind: "none" };
      const raw = readJsonFile(this.path);
      const [server, instance, jws] = ["server", "instance", "jws"].map((key) => (raw === undefined ? undefined : stringField(raw, key)));
      const key = raw?.["key"];
      if (server === undefined || instance === undefined || jws === undefined || !isObject(key)) return { kind: "broken", detail: "the kept contract cannot be read" };
      return { kind: "kept", kept: { server, jws, key, contract: verifyContract(jws, key, instance) } };
    } catch (error) {
      return { kind: "broken", detail: `the kept contract cannot be proved: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  /** Throws the fs error. */
  save({ server, jws, key, contract }: KeptContract): void {
    writeFileAtomic(this.path, `${JSON.stringify({ server, instance: contract.instance, jws, key })}\n`);
  }

  remove(): void {
    removeFile(this.path);
  }
}
