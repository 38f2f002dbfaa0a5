import { useQuery } from "@tanstack/react-query";
import { Id, Pill, rowClass, Rows } from "../../admin/parts";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { ErrorNotice } from "../../ui/error-notice";
import { useAct } from "../act";
import { deleteServer, setServerStatus } from "../assets.api";
import { ConfirmAct } from "../confirm-act";
import { serversQuery } from "../governance-query";
import type { Grant, McpServer } from "../governance.types";
import { Read } from "../parts";
import { describeGrant, SERVER_TONE } from "./catalogue.core";

export function Servers() {
  return (
    <Section title="MCP servers">
      <Read result={useQuery(serversQuery)} what="MCP servers" rows={2}>
        {(servers) =>
          servers.length === 0 ? (
            <Nothing>No MCP server is registered, so the policies alone say which may be used.</Nothing>
          ) : (
            <Rows label="MCP servers">
              {servers.map((server) => (
                <ServerRow key={server.id} server={server} />
              ))}
            </Rows>
          )
        }
      </Read>
    </Section>
  );
}

function ServerRow({ server }: { server: McpServer }) {
  const next = server.status === "active" ? "draft" : "active";
  const turn = useAct(() => setServerStatus(server, next));
  return (
    <li data-testid="server" data-name={server.name} data-status={server.status} className={`${rowClass} grid gap-2 px-4 py-3 text-[0.8125rem]`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="text-sm font-medium [overflow-wrap:anywhere]">{server.name}</span>
            <Pill tone={SERVER_TONE[server.status]}>{server.status}</Pill>
          </p>
          <p className="text-muted [overflow-wrap:anywhere]">
            <Id>{server.endpoint}</Id> · {server.transport}, {server.scope}
            {server.sourceName !== undefined && <> · from {server.sourceName}</>}
          </p>
          {server.description !== "" && <p className="text-muted [overflow-wrap:anywhere]">{server.description}</p>}
        </div>
        <div className="flex gap-2">
          <Button size="sm" aria-label={`${next === "active" ? "Activate" : "Withdraw"} ${server.name}`} busy={turn.isPending} onClick={() => turn.mutate()}>
            {next === "active" ? "Activate" : "Withdraw"}
          </Button>
          <ConfirmAct label="Delete" name={`Delete ${server.name}`} title={`Delete ${server.name}?`} description="Its grants and credentials go with it. Secrets that they point to stay." confirmLabel="Delete the server" act={() => deleteServer(server.id)} />
        </div>
      </div>
      {turn.error !== null && <ErrorNotice error={turn.error} />}
      <Grants grants={server.grants} />
      {server.credentials.map((credential) => (
        <p key={credential.id} className="text-muted [overflow-wrap:anywhere]">
          Credential {credential.displayName}: {credential.brokeringMode === "obo" ? "each person's own" : <Id>{credential.secretRef ?? "no secret"}</Id>}
          {credential.secretExists === false && <span className="text-bad">, a secret that does not exist</span>}
        </p>
      ))}
    </li>
  );
}

/** Who was given a thing. */
export function Grants({ grants }: { grants: readonly Grant[] }) {
  if (grants.length === 0) return <p className="text-muted">Granted to nobody</p>;
  return (
    <ul aria-label="Grants" className="flex flex-wrap gap-1.5">
      {grants.map((grant) => (
        <li key={grant.id} className={`rounded-md px-1.5 py-0.5 text-xs [overflow-wrap:anywhere] ${grant.access === "deny" ? "bg-bad-soft text-bad" : "bg-sunken"}`}>
          {describeGrant(grant)}
        </li>
      ))}
    </ul>
  );
}
