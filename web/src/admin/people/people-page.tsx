import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { humanise } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { Button } from "../../ui/button";
import { cx } from "../../ui/cx";
import { RelativeTime } from "../../ui/relative-time";
import { PEOPLE_PER_PAGE } from "../admin.api";
import type { Person } from "../admin.types";
import { peopleQuery } from "../admin-query";
import { Choice, Loading, PageHead, ReadProblem, RowArrow, rowClass, Rows, SearchField } from "../parts";
import { describeRange, hasNextPage, readPeopleFilter, writePeopleSearch, type PeopleFilter } from "./people-filter.core";
import { nameOfPerson } from "./person.core";
import { PersonPills } from "./person-pills";

const STATUSES = [
  { value: "active", label: "Active" },
  { value: "deactivated", label: "Deactivated" },
  { value: "deleted", label: "Deleted" },
] as const;
const ROLES = [
  { value: "user", label: "Users" },
  { value: "admin", label: "Admins" },
  { value: "superadmin", label: "Superadmins" },
] as const;
const VERIFIED = [
  { value: "yes", label: "Verified" },
  { value: "no", label: "Not verified" },
] as const;

/** Everybody who has an account, newest first. */
export function PeoplePage() {
  usePageTitle("People");
  const filter = readPeopleFilter(useSearch({ from: "/signed-in/console/admin/people" }));
  const navigate = useNavigate();
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery(peopleQuery(filter));
  const change = (next: Partial<PeopleFilter>) => void navigate({ to: "/admin/people", search: writePeopleSearch(filter, next), replace: next.page === undefined });
  const { status, role, verified, page } = filter;
  const search = useCallback(
    (q: string) => void navigate({ to: "/admin/people", search: writePeopleSearch({ q, status, role, verified, page: 1 }, {}), replace: true }),
    [navigate, status, role, verified],
  );
  return (
    <div data-testid="people" className="grid grid-cols-1 gap-4">
      <PageHead title="People" note={data && !isPlaceholderData ? describeRange(data, data.users.length) : undefined} />
      <search className="flex flex-wrap gap-2">
        <SearchField label="Search people" placeholder="Name, address, @example.org, @ada:example.org or id" value={filter.q} onChange={search} />
        <div className="flex min-w-0 flex-wrap gap-2">
          <Choice label="Status" value={status} options={STATUSES} onChange={(value) => change({ status: value })} />
          <Choice label="Role" value={role} options={ROLES} onChange={(value) => change({ role: value })} />
          <Choice label="Address" value={verified} options={VERIFIED} onChange={(value) => change({ verified: value })} />
        </div>
      </search>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data ? (
        data.users.length === 0 ? (
          <Nothing>{page > 1 ? "The list ends before this page." : "Nobody fits. A search finds beginnings of names and addresses, not their middle."}</Nothing>
        ) : (
          <div aria-busy={isPlaceholderData || undefined} className={cx("transition-opacity", isPlaceholderData && "opacity-60")}>
            <Rows label="People">
              {data.users.map((person) => (
                <PersonRow key={person.id} person={person} />
              ))}
            </Rows>
          </div>
        )
      ) : (
        error === null && <Loading what="people" rows={8} />
      )}
      {data && (page > 1 || hasNextPage(data, data.users.length)) && (
        <nav aria-label="Pages" className="flex items-center justify-center gap-3 text-[0.8125rem] text-muted">
          <Button size="sm" disabled={page <= 1} onClick={() => change({ page: page - 1 })}>
            Newer
          </Button>
          <span>
            Page {page}
            {data.total_is_exact && ` of ${Math.max(page, Math.ceil(data.total / PEOPLE_PER_PAGE))}`}
          </span>
          <Button size="sm" disabled={!hasNextPage(data, data.users.length)} onClick={() => change({ page: page + 1 })}>
            Older
          </Button>
        </nav>
      )}
    </div>
  );
}

function PersonRow({ person }: { person: Person }) {
  return (
    <li className={rowClass}>
      <Link
        to="/admin/people/$userId"
        params={{ userId: String(person.id) }}
        data-testid="person"
        data-email={person.email}
        className="flex items-center gap-4 rounded-xl px-4 py-2.5 outline-offset-[-2px] transition-colors hover:bg-sunken/60"
      >
        <span className="grid min-w-0 flex-1 gap-x-6 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)] sm:items-center">
          <span className="min-w-0">
            <span className="block truncate font-medium">{nameOfPerson(person)}</span>
            <span className="block truncate text-[0.8125rem] text-muted">{person.email}</span>
          </span>
          <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-[0.8125rem] text-muted max-sm:mt-1">
            <PersonPills person={person} />
            <span>
              {humanise(person.subscription_plan ?? "no plan")} · {person.last_signed_in_at === null ? "never signed in" : <>signed in <RelativeTime at={person.last_signed_in_at} /></>}
            </span>
          </span>
        </span>
        <span className="text-xs text-muted max-sm:hidden">{person.id}</span>
        <RowArrow />
      </Link>
    </li>
  );
}
