import { useQuery } from "@tanstack/react-query";
import { Id, rowClass, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { Nothing, Section } from "../../machine/section";
import { RelativeTime } from "../../ui/relative-time";
import { participationQuery } from "../governance-query";
import { Read } from "../parts";

/** What its machines reported of broken rules. */
export function Violations({ name }: { name: string }) {
  const result = useQuery(participationQuery);
  return (
    <Section title="Violations">
      <Read result={result} what="violations" rows={2}>
        {(report) => {
          const own = report.tenants.find(({ tenant }) => tenant === name);
          if (!own || own.recentViolations.length === 0) return <Nothing>No rule was broken{own && own.policyViolations > 0 ? ` lately, ${countOf(own.policyViolations, "time")} before` : ""}.</Nothing>;
          return (
            <>
              <Rows label="Violations">
                {own.recentViolations.map((one) => (
                  <li key={`${one.at} ${one.kind} ${one.subject}`} data-testid="violation" className={`${rowClass} flex flex-wrap items-baseline gap-x-3 px-4 py-2 text-[0.8125rem]`}>
                    <span className="font-medium">{one.kind}</span>
                    <span className="min-w-0 flex-1">
                      <Id>{one.subject}</Id>
                    </span>
                    <span className="text-muted">
                      <RelativeTime at={one.at} />
                    </span>
                  </li>
                ))}
              </Rows>
              {own.policyViolations > own.recentViolations.length && <p className="text-[0.8125rem] text-muted">{own.policyViolations.toLocaleString()} in all.</p>}
            </>
          );
        }}
      </Read>
    </Section>
  );
}
