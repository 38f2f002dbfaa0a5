import { operation } from "../../kernel/operation";
import { getIssuer } from "./platform-dns.queries";
import { IssuerSetView, IssuerView, ReadIssuerQuery, SetIssuerBody } from "./platform-dns.schemas";
import { setIssuer } from "./set-issuer";

const TAG = "Platform DNS";
const PATH = "/api/v1/platform/dns";

export const operations = [
  operation({
    id: "governance.platform-dns.get",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "An issuer's settings, without its secrets",
    auth: ["operator"],
    limit: "read",
    query: ReadIssuerQuery,
    output: IssuerView,
  }).handle(({ query }, ctx) => getIssuer(ctx, query)),
  operation({
    id: "governance.platform-dns.set",
    method: "put",
    path: PATH,
    tag: TAG,
    summary: "Configure an issuer of certificates for tenants' host names",
    auth: ["operator"],
    limit: "write",
    audit: "dns_issuer.configure",
    errors: [422],
    body: SetIssuerBody,
    output: IssuerSetView,
  }).handle(({ body }, ctx) => setIssuer(ctx, body)),
];
