import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { RelativeTime } from "../../ui/relative-time";
import type { AuditEntry } from "../admin.types";
import { Id, Loading, More, PageHead, RawFacts, ReadProblem, rowClass, Rows } from "../parts";
import { AUDIT_FIELDS, listChanges, readAuditSearch, type AuditField, type AuditSearch, type ReadSearch } from "./audit-filter.core";
import { auditQuery } from "./ops-query";

/** Who did what. */
export function AuditPage() {
  usePageTitle("Audit");
  const search = useSearch({ from: "/signed-in/console/admin/audit" });
  const { faults } = readAuditSearch(search, 0);
  const isAskable = Object.keys(faults).length === 0;
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery({ ...auditQuery(search), enabled: isAskable });
  const entries = data?.pages.flatMap((page) => page.entries);
  return (
    <div data-testid="audit" className="grid grid-cols-1 gap-4">
      <PageHead title="Audit" note="Newest first" />
      <SearchForm key={JSON.stringify(search)} search={search} faults={faults} />
      {isAskable && error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {isAskable &&
        (entries ? (
          entries.length === 0 ? (
            <Nothing>Nothing was done that fits.</Nothing>
          ) : (
            <Rows label="Entries">
              {entries.map((entry) => (
                <Entry key={entry.id} entry={entry} />
              ))}
            </Rows>
          )
        ) : (
          error === null && <Loading what="the audit" rows={8} />
        ))}
      <More hasMore={isAskable && hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
    </div>
  );
}

const FIELDS: Record<AuditField, { label: string; placeholder: string }> = {
  actor: { label: "Who (id)", placeholder: "42 or cliToken:…" },
  action: { label: "Did what", placeholder: "user or user.sign" },
  subject: { label: "To what", placeholder: "gate:signup.open" },
  tenant: { label: "In account", placeholder: "42" },
  since: { label: "Since", placeholder: "7d" },
  until: { label: "Until", placeholder: "2026-11-22" },
};

function SearchForm({ search, faults }: { search: AuditSearch; faults: ReadSearch["faults"] }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState<AuditSearch>(search);
  return (
    <search>
      <form
        data-testid="audit-form"
        className="grid grid-cols-2 items-start gap-3 sm:grid-cols-3 lg:grid-cols-[repeat(6,minmax(0,1fr))_auto]"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ to: "/admin/audit", search: Object.fromEntries(Object.entries(typed).filter(([, value]) => value.trim() !== "")) });
        }}
      >
        {AUDIT_FIELDS.map((field) => (
          <Field
            key={field}
            label={FIELDS[field].label}
            name={field}
            placeholder={FIELDS[field].placeholder}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={typed[field] ?? ""}
            error={faults[field] ?? null}
            className="h-9 px-3 text-base sm:text-sm"
            onChange={(event) => setTyped({ ...typed, [field]: event.target.value })}
          />
        ))}
        <div className="flex gap-2 max-lg:col-span-full lg:pt-[1.6875rem]">
          <Button type="submit" variant="primary">
            Search
          </Button>
        </div>
      </form>
    </search>
  );
}

const linkClass = "rounded-sm underline underline-offset-2 hover:text-ink";

function Entry({ entry }: { entry: AuditEntry }) {
  const changes = listChanges(entry.detail);
  return (
    <li data-testid="audit-entry" data-action={entry.action} className={`${rowClass} grid gap-1.5 px-4 py-3 text-[0.8125rem]`}>
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <span className="text-sm font-medium">{entry.action}</span>
        {entry.subject_type !== null && (
          <span className="min-w-0 text-muted">
            {entry.subject_type} <Id>{entry.subject_id}</Id>
          </span>
        )}
        <span className="ml-auto shrink-0 text-muted">
          <RelativeTime at={entry.created_at} />
        </span>
      </div>
      <p className="text-muted [overflow-wrap:anywhere]">
        by{" "}
        {entry.actor_type === "user" && entry.actor_id !== null ? (
          <Link to="/admin/people/$userId" params={{ userId: entry.actor_id }} className={linkClass}>
            user {entry.actor_id}
          </Link>
        ) : (
          [entry.actor_type, entry.actor_id].filter(Boolean).join(" ")
        )}
        {entry.tenant_id !== null && (
          <>
            {" "}
            in{" "}
            <Link to="/admin/people/$userId" params={{ userId: String(entry.tenant_id) }} className={linkClass}>
              account {entry.tenant_id}
            </Link>
          </>
        )}
        {entry.ip && <> · {entry.ip}</>}
      </p>
      {changes !== null && changes.length > 0 && (
        <ul className="grid gap-0.5">
          {changes.map(({ name, before, after }) => (
            <li key={name} className="[overflow-wrap:anywhere]">
              <span className="text-muted">{name}</span> <span className="line-through decoration-muted">{before}</span> → <span className="font-medium">{after}</span>
            </li>
          ))}
        </ul>
      )}
      <RawFacts label="Detail" value={{ ...entry.detail, request_id: entry.request_id, user_agent: entry.user_agent }} />
    </li>
  );
}
