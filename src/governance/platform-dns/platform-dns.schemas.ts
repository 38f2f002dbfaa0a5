import { z } from "zod";

export const ISSUER_DEFAULT = "opencrane-issuer";
const SERVER_DEFAULT = "https://acme-v02.api.letsencrypt.org/directory";

const IssuerName = z.string().trim().min(1).max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "Lower-case letters, digits, dots and hyphens");
/** A published client sends empty texts for options that were not given. */
const blankAsAbsent = (value: unknown): unknown => (value === null || (typeof value === "string" && value.trim() === "") ? undefined : value);

export const ReadIssuerQuery = z.object({ issuerName: z.preprocess(blankAsAbsent, IssuerName.default(ISSUER_DEFAULT)) });

export const SetIssuerBody = z.object({
  provider: z.string().trim().toLowerCase().min(1).max(63).regex(/^[a-z0-9][a-z0-9-]*$/, "Lower-case letters, digits and hyphens"),
  zone: z.string().trim().toLowerCase().min(1).max(253).regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, "A domain, such as example.org"),
  email: z.email().max(254),
  server: z.preprocess(blankAsAbsent, z.url({ protocol: /^https$/ }).max(2_048).default(SERVER_DEFAULT)).meta({ description: "Directory of the certificate authority" }),
  issuerName: z.preprocess(blankAsAbsent, IssuerName.default(ISSUER_DEFAULT)),
  apiToken: z.preprocess(blankAsAbsent, z.string().max(4_096).optional()).meta({ description: "The provider's token; sealed, and never shown again" }),
  solverConfig: z.record(z.string().max(100), z.unknown()).optional().meta({ description: "Settings of the solver, for providers without a plain token; sealed, and never shown again" }),
});

const Kind = z.enum(["ClusterIssuer", "Issuer"]);

export const IssuerView = z
  .object({
    configured: z.boolean(),
    issuerName: z.string(),
    issuerKind: Kind,
    issuerNamespace: z.string().nullable(),
    provider: z.string().nullable(),
    zone: z.string().nullable(),
    email: z.string().nullable(),
    server: z.string().nullable(),
    secretName: z.string().nullable(),
  })
  .meta({ id: "DnsIssuer" });

export const IssuerSetView = z
  .object({ status: z.literal("configured"), issuerName: z.string(), issuerKind: Kind, issuerNamespace: z.string().nullable(), provider: z.string(), zone: z.string(), secretName: z.string().nullable() })
  .meta({ id: "DnsIssuerConfigured" });
