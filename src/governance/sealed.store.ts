import { sealedColumn, type SealedColumn } from "../kernel/db/sealed-column";
import { governanceProviderKeys } from "../schema/governance-budgets";
import { governanceSecrets } from "../schema/governance-mcp";
import { governanceDnsIssuers } from "../schema/governance-platform";
import { solverSealContext } from "./platform-dns";
import { providerKeyContext } from "./provider-keys";
import { secretSealContext } from "./secrets";

/** Every column of governance's tables that holds sealed values: `sealedColumn(table, "property", { id: table.id }, ({ id }) => sealContext(id))`. */
export const sealedColumns: readonly SealedColumn[] = [
  sealedColumn(governanceDnsIssuers, "sealedSolver", { issuerName: governanceDnsIssuers.issuerName }, ({ issuerName }) => solverSealContext(issuerName)),
  sealedColumn(governanceProviderKeys, "sealedKey", { provider: governanceProviderKeys.provider }, ({ provider }) => providerKeyContext(provider)),
  sealedColumn(governanceSecrets, "sealedValue", { name: governanceSecrets.name }, ({ name }) => secretSealContext(name)),
];
