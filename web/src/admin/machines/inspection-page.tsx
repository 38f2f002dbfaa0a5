import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { asApiError } from "../../api/errors";
import { describeCommand, describeEvent } from "../../machine/history.core";
import { Nothing, Section } from "../../machine/section";
import { humanise } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import type { Inspection } from "../admin.types";
import { inspectionQuery } from "../admin-query";
import { Fact, Facts, Id, Loading, Pill, RawFacts, ReadProblem, rowClass, Rows } from "../parts";
import { explainMachine, listOddities, readFacts } from "./offline.core";

/** One machine of anybody, as D1 and its object have it. Looking changes nothing there. */
export function InspectionPage() {
  const { userId, instanceId } = useParams({ from: "/signed-in/console/admin/people/$userId/machines/$instanceId" });
  const { data, error, isFetching, refetch } = useQuery(inspectionQuery(Number(userId), instanceId));
  usePageTitle(data?.row.label || instanceId);
  return (
    <div data-testid="inspection" className="mx-auto grid w-full max-w-4xl grid-cols-1 gap-6">
      <Link to="/admin/people/$userId" params={{ userId }} className="inline-flex items-center gap-1.5 justify-self-start rounded-sm text-sm text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" /> Its owner
      </Link>
      {data ? (
        <Machine inspection={data} />
      ) : error === null ? (
        <Loading what="the machine" rows={6} />
      ) : asApiError(error).status === 404 ? (
        <Notice tone="info">There is no such machine, or it was removed.</Notice>
      ) : (
        <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />
      )}
    </div>
  );
}

function Machine({ inspection }: { inspection: Inspection }) {
  const { row, object, instance_id: instanceId } = inspection;
  const facts = readFacts(inspection);
  const why = explainMachine(inspection);
  const oddities = listOddities(inspection);
  return (
    <>
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h1 className="text-2xl font-semibold tracking-tight [overflow-wrap:anywhere]">{row.label || instanceId}</h1>
        <Pill tone={facts?.online ? "ok" : facts?.reachable ? "info" : "bad"}>{facts?.online ? "Online" : facts?.reachable ? "Reachable" : "Offline"}</Pill>
      </header>
      <Notice tone={why.tone}>
        <p data-testid="why" className="font-medium">
          {why.title}
          {why.since !== null && why.tone !== "ok" && (
            <>
              , <RelativeTime at={why.since} />
            </>
          )}
        </p>
        <p>{why.advice}</p>
      </Notice>
      {oddities.length > 0 && (
        <Notice tone="warn">
          <ul data-testid="oddities" className="grid gap-1">
            {oddities.map((oddity) => (
              <li key={oddity}>{oddity}</li>
            ))}
          </ul>
        </Notice>
      )}
      <Section title="Facts">
        <Facts>
          <Fact label="Machine">
            <Id>{instanceId}</Id>
          </Fact>
          <Fact label="Last heard">
            <RelativeTime at={facts?.lastSeen} />
          </Fact>
          <Fact label="Link">{object ? `${object.link.kind}` : "–"}{object?.link.since && <>, <RelativeTime at={object.link.since} /></>}</Fact>
          <Fact label="Gateway">{facts?.gatewayStatus ?? "unknown"}</Fact>
          <Fact label="Host">{[facts?.hostname, facts?.os].filter(Boolean).join(", ") || "–"}</Fact>
          <Fact label="CLI">{facts?.cliVersion ?? "–"}</Fact>
          <Fact label="In lists">{row.online ? "online" : "offline"}</Fact>
          <Fact label="Registered">
            <RelativeTime at={row.created_at} />
          </Fact>
          {row.provider !== null && <Fact label="Provider">{row.provider}</Fact>}
        </Facts>
      </Section>
      {object && <ObjectParts object={object} />}
      <RawFacts label="Everything that is known, as it lies there" value={inspection} />
    </>
  );
}

function ObjectParts({ object }: { object: NonNullable<Inspection["object"]> }) {
  return (
    <>
      <div className="grid grid-cols-1 gap-6 sm:grid-cols-2">
        <Section title="Tokens" className="content-start">
          {object.tokens.length === 0 ? (
            <Nothing>No CLI token ever spoke for it.</Nothing>
          ) : (
            <Rows label="Tokens">
              {object.tokens.map(({ id, cut }) => (
                <li key={id} className={`${rowClass} flex items-center justify-between gap-3 px-4 py-2`}>
                  <Id>{id}</Id>
                  <Pill tone={cut === null ? "ok" : "bad"}>{cut === null ? "Admitted" : humanise(cut)}</Pill>
                </li>
              ))}
            </Rows>
          )}
        </Section>
        <Section title="Alarms" className="content-start">
          {object.alarms.length === 0 ? (
            <Nothing>None is set.</Nothing>
          ) : (
            <Rows label="Alarms">
              {object.alarms.map(({ reason, due_at: dueAt, overdue }) => (
                <li key={reason} className={`${rowClass} flex items-center justify-between gap-3 px-4 py-2 text-[0.8125rem]`}>
                  <span>{humanise(reason)}</span>
                  {overdue ? <Pill tone="bad">Overdue</Pill> : <span className="text-muted">{new Date(dueAt).toLocaleTimeString()}</span>}
                </li>
              ))}
            </Rows>
          )}
        </Section>
      </div>
      <Section title="Commands of the last day">
        {object.commands.length === 0 ? (
          <Nothing>Nothing was asked of it.</Nothing>
        ) : (
          <Rows label="Commands">
            {object.commands.slice(0, 20).map((command, index) => (
              <li key={String(command["id"] ?? index)} className={`${rowClass} flex items-center justify-between gap-3 px-4 py-2 text-[0.8125rem]`}>
                <span>{describeCommand(String(command["commandType"] ?? command["command_type"] ?? command["type"] ?? "command"))}</span>
                <span className="text-muted">{humanise(String(command["state"] ?? "unknown"))}</span>
              </li>
            ))}
          </Rows>
        )}
      </Section>
      <Section title="History">
        {object.history.length === 0 ? (
          <Nothing>Nothing happened yet.</Nothing>
        ) : (
          <Rows label="History" testId="machine-history">
            {object.history.slice(0, 30).map(({ id, type, at, data }) => {
              const { title, details } = describeEvent({ type, data });
              return (
                <li key={id} className={`${rowClass} flex items-baseline justify-between gap-3 px-4 py-2 text-[0.8125rem]`}>
                  <span className="min-w-0 [overflow-wrap:anywhere]">
                    <span className="font-medium">{title}</span>
                    {details !== "" && <span className="text-muted"> · {details}</span>}
                  </span>
                  <span className="shrink-0 text-muted">
                    <RelativeTime at={at} />
                  </span>
                </li>
              );
            })}
          </Rows>
        )}
      </Section>
    </>
  );
}
