import type { Person } from "../admin.types";
import { Pill, type Tone } from "../parts";

const STATUS_TONE: Record<Person["status"], Tone> = { active: "ok", deactivated: "warn", deleted: "quiet" };
const STATUS_LABEL: Record<Person["status"], string> = { active: "Active", deactivated: "Deactivated", deleted: "Deleted" };

export function PersonPills({ person }: { person: Pick<Person, "status" | "role" | "account_verified" | "deletion_status"> }) {
  return (
    <>
      <span data-testid="person-status" data-status={person.status} className="inline-flex">
        <Pill tone={STATUS_TONE[person.status]}>{STATUS_LABEL[person.status]}</Pill>
      </span>
      {person.role !== "user" && <Pill tone="info">{person.role}</Pill>}
      {person.account_verified === false && <Pill tone="warn">Not verified</Pill>}
      {person.deletion_status === "removing" && <Pill tone="bad">Being removed</Pill>}
    </>
  );
}
