import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ThemeToggle } from "../shell/theme-toggle";
import { Logo } from "../ui/logo";

interface AuthPageProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
}

/** The quiet frame around sign-up, verification, sign-in and CLI approval. */
export function AuthPage({ title, lead, children, footer }: AuthPageProps) {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex items-center justify-between px-5 py-4 sm:px-8">
        <Link to="/" className="inline-flex rounded-lg" aria-label="Sett, home">
          <Logo />
        </Link>
        <ThemeToggle />
      </header>
      <main id="main" className="mx-auto w-full max-w-[25rem] flex-1 px-5 pt-6 pb-16 sm:pt-[9vh]">
        <h1 className="text-[1.625rem] leading-tight font-semibold tracking-tight">{title}</h1>
        {lead && <div className="mt-2 text-[0.9375rem] text-muted">{lead}</div>}
        <div className="mt-7">{children}</div>
        {footer && <div className="mt-7 border-t border-line pt-5 text-sm text-muted">{footer}</div>}
      </main>
    </div>
  );
}

export const textLinkClass =
  "font-medium text-ink underline decoration-line-strong underline-offset-4 transition-colors hover:decoration-ink rounded-sm";
