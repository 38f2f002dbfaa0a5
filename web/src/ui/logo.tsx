import { cx } from "./cx";

/** A badger, head on: its stripes are what one recognises at any size. */
export function LogoMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={className}>
      <rect width="32" height="32" rx="8" className="fill-mark" />
      <g className="fill-mark-face">
        <circle cx="7.7" cy="8" r="2.9" />
        <circle cx="24.3" cy="8" r="2.9" />
        <path d="M16 4.6C9.6 4.6 5.6 8.6 5.6 13.8c0 4.7 3 7.3 5.5 10.4 1.5 1.9 2.7 3.8 4.9 3.8s3.4-1.9 4.9-3.8c2.5-3.1 5.5-5.7 5.5-10.4 0-5.2-4-9.2-10.4-9.2z" />
      </g>
      <g className="fill-mark">
        <path d="M9.1 6.6C8.2 11.7 9.3 17.8 12.9 24.3l1.5-.9C13.5 17.6 13.3 11 13.5 4.9c-1.7.3-3.2.9-4.4 1.7z" />
        <path d="M22.9 6.6c.9 5.1-.2 11.2-3.8 17.7l-1.5-.9c.9-5.8 1.1-12.4.9-18.5 1.7.3 3.2.9 4.4 1.7z" />
        <ellipse cx="16" cy="25.9" rx="1.9" ry="1.3" />
      </g>
      <g className="fill-mark-face">
        <circle cx="11.5" cy="14.2" r=".9" />
        <circle cx="20.5" cy="14.2" r=".9" />
      </g>
    </svg>
  );
}

/** @param isNarrow leaves out the word where the screen has no room for it */
export function Logo({ isNarrow = false }: { isNarrow?: boolean }) {
  return (
    <span className="inline-flex items-center gap-2.5">
      <LogoMark className="size-7" />
      <span className={cx("text-[1.0625rem] font-semibold tracking-tight", isNarrow && "max-sm:hidden")}>Sett</span>
    </span>
  );
}
