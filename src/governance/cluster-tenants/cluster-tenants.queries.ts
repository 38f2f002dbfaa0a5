import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { toClusterTenantView, type ClusterTenantView } from "./cluster-tenants.schemas";
import { selectClusterTenants } from "./cluster-tenants.store";

/** Every place, oldest first. */
export const listClusterTenants = async (ctx: Ctx): Promise<z.input<typeof ClusterTenantView>[]> => (await selectClusterTenants(ctx)).map(toClusterTenantView);
