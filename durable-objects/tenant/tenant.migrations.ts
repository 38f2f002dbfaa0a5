import type { ObjectMigration } from "../shared/migrate";
import { OUTBOX_SQL } from "../shared/object-outbox";
import { participationMigration } from "./participation";

/** Tables of TenantDO. Append only. */
export const tenantMigrations: readonly ObjectMigration[] = [
  {
    id: "0001_tenant",
    sql: `
      ${OUTBOX_SQL}
      CREATE TABLE tenant (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        revision INTEGER NOT NULL,
        state TEXT,
        observed_by INTEGER NOT NULL DEFAULT 0,
        contract_id TEXT
      );
    `,
  },
  participationMigration,
];
