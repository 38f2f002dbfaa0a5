import { CircleAlert, CircleCheck } from "lucide-react";
import { Link } from "@tanstack/react-router";
import { Notice } from "../../ui/notice";
import type { Removal } from "../admin.types";
import { describeRemoval, stepName } from "./person.core";

/** What each of the ten steps of a removal did. It is on this page only; the audit has it too. */
export function RemovalReport({ removal }: { removal: Removal }) {
  const { text, isWhole } = describeRemoval(removal);
  return (
    <div data-testid="removal" data-ok={removal.ok} className="grid grid-cols-1 gap-4">
      <h1 className="text-2xl font-semibold tracking-tight">Removed for good</h1>
      <Notice tone={isWhole ? "ok" : "warn"}>{text}</Notice>
      <ol aria-label="Steps" className="rounded-xl border border-line bg-surface shadow-card">
        {removal.steps.map(({ step, name, ok, detail }) => (
          <li key={step} data-testid="removal-step" data-name={name} data-ok={ok} className="flex items-start gap-3 border-t border-line px-4 py-2.5 first:border-t-0">
            <span aria-hidden className="w-5 shrink-0 text-right text-muted">
              {step}
            </span>
            {ok ? <CircleCheck aria-label="done" className="mt-0.5 size-4 shrink-0 text-ok" /> : <CircleAlert aria-label="failed" className="mt-0.5 size-4 shrink-0 text-bad" />}
            <div className="min-w-0 flex-1 sm:flex sm:gap-4">
              <span className="block shrink-0 font-medium sm:w-44">{stepName(name)}</span>
              <span className="block min-w-0 text-muted [overflow-wrap:anywhere]">{detail}</span>
            </div>
          </li>
        ))}
      </ol>
      <Link to="/admin/audit" search={{ tenant: String(removal.user_id) }} className="justify-self-start rounded-sm text-[0.8125rem] text-muted underline underline-offset-2 hover:text-ink">
        What the audit keeps of it
      </Link>
    </div>
  );
}
