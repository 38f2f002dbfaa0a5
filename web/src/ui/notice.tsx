import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx";

type Tone = "info" | "ok" | "warn" | "bad";

const TONE = {
  info: { className: "bg-info-soft", icon: Info, iconClass: "text-info" },
  ok: { className: "bg-ok-soft", icon: CircleCheck, iconClass: "text-ok" },
  warn: { className: "bg-warn-soft", icon: TriangleAlert, iconClass: "text-warn" },
  bad: { className: "bg-bad-soft", icon: CircleAlert, iconClass: "text-bad" },
} as const;

interface NoticeProps {
  tone: Tone;
  children: ReactNode;
  action?: ReactNode;
  className?: string;
}

/** A message that belongs to the page. Problems interrupt, the rest waits its turn. */
export function Notice({ tone, children, action, className }: NoticeProps) {
  const { icon: Icon, className: toneClass, iconClass } = TONE[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={cx("flex flex-wrap items-start justify-end gap-x-2.5 gap-y-2 rounded-lg px-3.5 py-3 text-sm", toneClass, className)}
    >
      <div className="flex min-w-0 flex-1 basis-56 items-start gap-2.5">
        <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", iconClass)} />
        <div className="min-w-0 flex-1 [overflow-wrap:anywhere]">{children}</div>
      </div>
      {action}
    </div>
  );
}
