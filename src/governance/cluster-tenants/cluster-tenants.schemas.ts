import { z } from "zod";
import type { ClusterTenantRow } from "./cluster-tenants.store";

const MAX_QUANTITY = 63;
const MAX_COUNT = 1_000_000;

const Label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
export const ClusterTenantName = z.string().trim().min(1).max(63).regex(new RegExp(`^${Label}$`), "Lower-case letters, digits and hyphens");
const DisplayName = z.string().trim().min(1).max(200);
/** Blank means none. */
const BaseDomain = z
  .string()
  .trim()
  .max(253)
  .transform((text) => (text === "" ? null : text.toLowerCase()))
  .refine((domain) => domain === null || new RegExp(`^(${Label}\\.)+[a-z]{2,63}$`).test(domain), "Two labels or more of letters, digits and hyphens, the last of letters");
const Tier = z.enum(["shared", "dedicatedNodes", "dedicatedCluster"]);
const Compute = z
  .object({ mode: z.enum(["shared", "dedicated"]), nodePool: z.string().trim().max(200).optional() })
  .refine(({ mode, nodePool }) => mode === "shared" || Boolean(nodePool), { path: ["nodePool"], message: "Dedicated compute needs a node pool" })
  .transform(({ mode, nodePool }) => ({ mode, ...(nodePool ? { nodePool } : {}) }));
const Quantity = z.string().trim().min(1).max(MAX_QUANTITY);
const Count = z.int().min(0).max(MAX_COUNT);
const Resources = z.object({ quota: z.object({ cpu: Quantity.optional(), memory: Quantity.optional(), pods: Count.optional(), storage: Quantity.optional(), gpu: Count.optional() }) });

export const ClusterTenantRef = z.object({ name: z.string().min(1).max(253) });

export const CreateClusterTenantBody = z.object({
  name: ClusterTenantName,
  displayName: DisplayName,
  isolationTier: Tier,
  baseDomain: BaseDomain.nullish(),
  compute: Compute,
  resources: Resources,
});

export const UpdateClusterTenantBody = z.object({ displayName: DisplayName.optional(), isolationTier: Tier.optional(), baseDomain: BaseDomain.nullish(), compute: Compute.optional(), resources: Resources.optional() });

export const PlacementView = z
  .object({ phase: z.enum(["pending", "provisioning", "ready", "failed"]), message: z.string().optional(), boundNamespace: z.string().optional(), provisioner: z.string().optional() })
  .meta({ id: "ClusterTenantStatus" });

export const ClusterTenantView = z
  .object({
    name: z.string(),
    displayName: z.string(),
    baseDomain: z.string().optional(),
    isolationTier: Tier,
    compute: z.object({ mode: z.enum(["shared", "dedicated"]), nodePool: z.string().optional() }),
    resources: z.object({ quota: z.object({ cpu: z.string().optional(), memory: z.string().optional(), pods: z.int().optional(), storage: z.string().optional(), gpu: z.int().optional() }) }),
    status: PlacementView,
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "ClusterTenant" });

export const DeletedView = z.object({ name: z.string(), status: z.literal("deleted") });

export const toPlacementView = ({ phase, message, boundNamespace, provisioner }: Pick<ClusterTenantRow, "phase" | "message" | "boundNamespace" | "provisioner">): z.input<typeof PlacementView> => ({
  phase,
  ...(message === null ? {} : { message }),
  ...(boundNamespace === null ? {} : { boundNamespace }),
  ...(provisioner === null ? {} : { provisioner }),
});

export const toClusterTenantView = (row: ClusterTenantRow): z.input<typeof ClusterTenantView> => ({
  name: row.name,
  displayName: row.displayName,
  ...(row.baseDomain === null ? {} : { baseDomain: row.baseDomain }),
  isolationTier: row.isolationTier,
  compute: row.compute,
  resources: { quota: row.quota },
  status: toPlacementView(row),
  createdAt: new Date(row.createdAt).toISOString(),
  updatedAt: new Date(row.updatedAt).toISOString(),
});
