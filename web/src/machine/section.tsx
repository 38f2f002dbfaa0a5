import { useId, type ReactNode } from "react";
import { cx } from "../ui/cx";

interface SectionProps {
  title: string;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

export function Section({ title, aside, className, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={cx("grid min-w-0 grid-cols-1 gap-3", className)}>
      <div className="flex items-baseline justify-between gap-4">
        <h2 id={id} className="text-[0.9375rem] font-semibold tracking-tight">
          {title}
        </h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export function Nothing({ children }: { children: ReactNode }) {
  return <p className="rounded-xl border border-dashed border-line px-4 py-5 text-[0.8125rem] text-muted">{children}</p>;
}
