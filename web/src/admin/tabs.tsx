import { Link, useLocation, type LinkProps } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

interface TabsProps {
  label: string;
  tabs: readonly { to: NonNullable<LinkProps["to"]>; label: string }[];
}

/** The pages of a part of the console. */
export function Tabs({ label, tabs }: TabsProps) {
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // On a phone the row is longer than the screen: the page that is open must be in sight.
  useEffect(() => {
    const open = tabs.find(({ to }) => pathname.startsWith(to));
    const current = open && nav.current?.querySelector<HTMLElement>(`[href="${open.to}"]`);
    if (nav.current && current) nav.current.scrollLeft = current.offsetLeft - (nav.current.clientWidth - current.clientWidth) / 2;
  }, [pathname, tabs]);
  return (
    <nav ref={nav} aria-label={label} className="relative flex gap-5 overflow-x-auto border-b border-line [scrollbar-width:none]">
      {tabs.map(({ to, label: text }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: false, includeSearch: false }}
          className="shrink-0 border-b-2 border-transparent px-0.5 pt-1 pb-2 text-sm font-medium text-muted transition-colors outline-offset-[-2px] hover:text-ink aria-[current=page]:border-ink aria-[current=page]:text-ink"
        >
          {text}
        </Link>
      ))}
    </nav>
  );
}
