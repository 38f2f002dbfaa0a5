import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { formatDay } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Section } from "../../machine/section";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import type { Person, Removal } from "../admin.types";
import { personQuery } from "../admin-query";
import { Fact, Facts, Id, Loading, ReadProblem } from "../parts";
import { nameOfPerson } from "./person.core";
import { PersonActs } from "./person-acts";
import { PersonPills } from "./person-pills";
import { PersonPlan } from "./person-plan";
import { PersonSecurity } from "./person-security";
import { RemovalReport } from "./removal-report";

/** One person: who, on which plan, with which ways in and machines, and what may be done. */
export function PersonPage() {
  const { userId } = useParams({ from: "/signed-in/console/admin/people/$userId" });
  return <PersonById key={userId} id={Number(userId)} />;
}

function PersonById({ id }: { id: number }) {
  const [removal, setRemoval] = useState<Removal | null>(null);
  const { data: person, error, isFetching, refetch } = useQuery({ ...personQuery(id), enabled: removal === null });
  usePageTitle(person ? nameOfPerson(person) : "Person");
  return (
    <div data-testid="person-page" className="mx-auto grid w-full max-w-4xl grid-cols-1 gap-6">
      <Link to="/admin/people" className="inline-flex items-center gap-1.5 justify-self-start rounded-sm text-sm text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" /> People
      </Link>
      {removal ? (
        <RemovalReport removal={removal} />
      ) : person ? (
        <PersonView person={person} onRemoved={setRemoval} />
      ) : error === null ? (
        <Loading what="the person" rows={6} />
      ) : asApiError(error).status === 404 || asApiError(error).status === 422 ? (
        <Notice tone="info">
          <span data-testid="person-gone">There is nobody with this id, or the account was removed for good. The audit keeps who did that.</span>
        </Notice>
      ) : (
        <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />
      )}
    </div>
  );
}

function PersonView({ person, onRemoved }: { person: Person; onRemoved: (removal: Removal) => void }) {
  return (
    <>
      <header className="grid gap-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="text-2xl font-semibold tracking-tight [overflow-wrap:anywhere]">{nameOfPerson(person)}</h1>
          <span className="flex flex-wrap gap-2">
            <PersonPills person={person} />
          </span>
        </div>
        <p className="text-muted [overflow-wrap:anywhere]">{person.email}</p>
      </header>
      <PersonActs person={person} onRemoved={onRemoved} />
      <PersonSecurity person={person} />
      <PersonPlan person={person} />
      <Section
        title="Profile"
        aside={
          <Link to="/admin/audit" search={{ tenant: String(person.id) }} className="rounded-sm text-[0.8125rem] text-muted underline underline-offset-2 hover:text-ink">
            What happened to this account
          </Link>
        }
      >
        <Facts>
          <Fact label="Id">
            <Id>{person.id}</Id>
          </Fact>
          <Fact label="User name">{person.username ?? "none"}</Fact>
          <Fact label="Name">{person.name || "–"}</Fact>
          <Fact label="Matrix">{person.matrix_id ?? "none"}</Fact>
          <Fact label="Account there">{person.matrix_status?.replace(/_/g, " ") ?? "unknown"}</Fact>
          <Fact label="Phone">{person.phone_number || "–"}</Fact>
          <Fact label="Signed up">{person.created_at ? formatDay(person.created_at) : "–"}</Fact>
          <Fact label="Signed in">
            <RelativeTime at={person.last_signed_in_at} />
          </Fact>
          <Fact label="Terms">{person.agreed_terms ? "agreed" : "not agreed"}</Fact>
          <Fact label="Privacy">{person.agreed_privacy ? "agreed" : "not agreed"}</Fact>
          {person.deleted_at !== null && <Fact label="Deleted">{formatDay(person.deleted_at)}</Fact>}
        </Facts>
      </Section>
    </>
  );
}
