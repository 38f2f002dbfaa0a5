import type { Config } from "../kernel/config";
import type { Ctx } from "../kernel/context";
import { readClusterProvisioner, type ClusterProvisionerConfig } from "./cluster-provisioner-config";
import { readSignIn, type SignInConfig } from "./sign-in-config";
import { bad, readBaseUrl, readInteger } from "../kernel/variables";

/** Who judges skills, and whether their contents are kept. */
export interface SkillsConfig {
  /** `SKILL_SCANNER_URL`, `SKILL_SCANNER_TOKEN`: a scanner elsewhere, instead of the built-in one. */
  readonly scanner: { readonly url: string; readonly token: string | null } | null;
  /** `SKILL_SCANNER=off`: without a scanner elsewhere nobody judges skills, and none passes. */
  readonly isBuiltInOff: boolean;
  /** `SKILL_STORE=off`: contents of skills are not kept in the file store. */
  readonly isStoreOff: boolean;
}

/** What governance alone reads of the environment. */
export interface GovernanceConfig {
  /** `OPENCRANE_API_TOKEN`: a token that may do everything; null takes none. */
  readonly staticToken: string | null;
  /** Null: nobody signs in with a browser. */
  readonly signIn: SignInConfig | null;
  readonly tenants: TenantConfig;
  /** `RETRIEVAL_URL`, `RETRIEVAL_TOKEN`: who is told which data sets a tenant's agents may search; null: nobody. */
  readonly retrieval: { readonly url: string; readonly token: string | null } | null;
  readonly drift: DriftConfig;
  readonly skills: SkillsConfig;
  /** Null: only the shared tier is there. */
  readonly clusterProvisioner: ClusterProvisionerConfig | null;
}

/** Where tenants live, and what applies to those of whom nothing is said. */
export interface TenantConfig {
  /** `GOVERNANCE_BASE_DOMAIN`: a tenant's host is `<name>.<base domain>`; null: tenants have none, except those of a cluster tenant with its own. */
  readonly baseDomain: string | null;
  /** `DEFAULT_TENANT_POLICY_REF`: the policy of tenants that no other applies to; null: none. */
  readonly defaultPolicyRef: string | null;
}

/** When copies that disagree with their sources become somebody's business. */
export interface DriftConfig {
  /** `OPENCRANE_PROJECTION_DRIFT_ALERT_THRESHOLD`: so many, or more; 0 is off. */
  readonly threshold: number;
  /** `OPENCRANE_DRIFT_WEBHOOK_URL`: who is told; null: nobody. */
  readonly webhookUrl: string | null;
}

const parsed = new WeakMap<Config, GovernanceConfig>();

/** Governance's part of the environment, parsed once per isolate. @throws AppError BAD_ENVIRONMENT naming the variable */
export function governanceConfig({ config }: Pick<Ctx, "config">): GovernanceConfig {
  let known = parsed.get(config);
  if (!known) {
    known = parse(config);
    parsed.set(config, known);
  }
  return known;
}

function parse(config: Config): GovernanceConfig {
  const { variable } = config;
  return { staticToken: readStaticToken(variable("OPENCRANE_API_TOKEN")), signIn: readSignIn(config), tenants: readTenants(variable), retrieval: readRetrieval(variable), drift: readDrift(variable), skills: readSkills(variable), clusterProvisioner: readClusterProvisioner(config) };
}

/** A short one could be guessed by whoever tries long enough. */
function readStaticToken(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (text.length < 16) throw bad("OPENCRANE_API_TOKEN", "16 characters or more");
  return text;
}

function readSkills(variable: Config["variable"]): SkillsConfig {
  const url = variable("SKILL_SCANNER_URL");
  return {
    scanner: url ? { url: readBaseUrl("SKILL_SCANNER_URL", url), token: variable("SKILL_SCANNER_TOKEN") || null } : null,
    isBuiltInOff: isOff("SKILL_SCANNER", variable("SKILL_SCANNER")),
    isStoreOff: isOff("SKILL_STORE", variable("SKILL_STORE")),
  };
}

/** `off` switches off what is on by itself. */
function isOff(name: string, text: string | undefined): boolean {
  if (!text || text === "on") return false;
  if (text === "off") return true;
  throw bad(name, "on or off");
}

const BASE_DOMAIN = /^(?=.{1,190}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

function readTenants(variable: Config["variable"]): TenantConfig {
  const baseDomain = variable("GOVERNANCE_BASE_DOMAIN")?.toLowerCase() ?? null;
  if (baseDomain !== null && !BASE_DOMAIN.test(baseDomain)) throw bad("GOVERNANCE_BASE_DOMAIN", "a host name, without a scheme");
  return { baseDomain, defaultPolicyRef: variable("DEFAULT_TENANT_POLICY_REF") ?? null };
}

function readDrift(variable: Config["variable"]): DriftConfig {
  const webhook = variable("OPENCRANE_DRIFT_WEBHOOK_URL");
  if (webhook !== undefined && !/^https?:$/.test(URL.canParse(webhook) ? new URL(webhook).protocol : "")) throw bad("OPENCRANE_DRIFT_WEBHOOK_URL", "an http(s) address");
  return { threshold: readInteger("OPENCRANE_PROJECTION_DRIFT_ALERT_THRESHOLD", variable("OPENCRANE_PROJECTION_DRIFT_ALERT_THRESHOLD"), 0), webhookUrl: webhook ?? null };
}

function readRetrieval(variable: Config["variable"]): GovernanceConfig["retrieval"] {
  const url = variable("RETRIEVAL_URL");
  return url === undefined ? null : { url: readBaseUrl("RETRIEVAL_URL", url), token: variable("RETRIEVAL_TOKEN") ?? null };
}
