import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { Sparkles, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useClock } from "../lib/clock";
import { buttonClass } from "../ui/button";
import { cx } from "../ui/cx";
import { describeExcess, describeParked, describeReason, graceText } from "./keep.core";
import { downgradeQuery, upgradeQuery } from "./plan-query";
import { planLabel } from "./standing.core";
import type { Downgrade, Upgrade } from "./plan.types";

/** On every page while something is to be chosen because the plan changed. Silent while that is not known. */
export function PlanBanner() {
  const downgrade = useQuery(downgradeQuery);
  const upgrade = useQuery(upgradeQuery);
  const { pathname } = useLocation();
  if (downgrade.data) return pathname === "/account/plan/keep" ? null : <DowngradeBanner request={downgrade.data} />;
  if (upgrade.data) return pathname === "/account/plan/restore" ? null : <UpgradeBanner request={upgrade.data} />;
  return null;
}

function DowngradeBanner({ request }: { request: Downgrade }) {
  const excess = describeExcess(request.features);
  const left = useClock((nowMs) => graceText(request.grace_ends_at, nowMs));
  const isOver = left === null || request.grace_ended_at !== null;
  return (
    <Banner testId="downgrade-banner" isWarning to="/account/plan/keep" action="Choose what to keep">
      <strong className="font-semibold">{isOver ? "The time to choose is over." : `${capital(left)}.`}</strong> {describeReason(request.reason)}: {planLabel(request.to_plan)} carries less than you use
      {excess !== null && ` (${excess})`}. {isOver ? "What was used last is kept." : "Nothing is switched off until then."}
    </Banner>
  );
}

function UpgradeBanner({ request }: { request: Upgrade }) {
  return (
    <Banner testId="upgrade-banner" isWarning={false} to="/account/plan/restore" action="Choose what comes back">
      <strong className="font-semibold">{planLabel(request.to_plan)} has room again.</strong> {describeParked(request)} had been switched off; choose what comes back.
    </Banner>
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface BannerProps {
  testId: string;
  isWarning: boolean;
  to: "/account/plan/keep" | "/account/plan/restore";
  action: string;
  children: ReactNode;
}

function Banner({ testId, isWarning, to, action, children }: BannerProps) {
  const Icon = isWarning ? TriangleAlert : Sparkles;
  return (
    <aside aria-label="About your plan" data-testid={testId} className={cx("border-b border-line text-sm", isWarning ? "bg-warn-soft" : "bg-info-soft")}>
      <div className="mx-auto flex max-w-[82rem] flex-wrap items-center gap-x-4 gap-y-2.5 px-4 py-2.5 sm:px-6">
        <p className="flex min-w-0 flex-1 basis-72 items-start gap-2.5">
          <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", isWarning ? "text-warn" : "text-info")} />
          <span>{children}</span>
        </p>
        <Link to={to} className={buttonClass("primary", "sm")}>
          {action}
        </Link>
      </div>
    </aside>
  );
}
