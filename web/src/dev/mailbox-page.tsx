import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ApiError, toApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { ThemeToggle } from "../shell/theme-toggle";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { ErrorNotice } from "../ui/error-notice";
import { Logo } from "../ui/logo";
import { Notice } from "../ui/notice";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { filterMessages, findOneTimeCode, type MailboxMessage } from "./mailbox.core";

const REFRESH_MS = 2000;

async function requestMailbox(signal: AbortSignal): Promise<MailboxMessage[]> {
  const response = await fetch("/dev/mailbox", { headers: { accept: "application/json" }, signal });
  // Elsewhere the address answers 404, or the console's own page.
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  if (response.status === 404 || (response.ok && !isJson)) {
    throw new ApiError({ status: 404, code: "not_local", message: "The mailbox exists only in the local environment." });
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw toApiError(response, body);
  return Array.isArray(body) ? (body as MailboxMessage[]) : [];
}

/** Mail that a local Sett would have sent, for people and tests. */
export function MailboxPage() {
  usePageTitle("Local mailbox");
  const { to } = useSearch({ from: "/dev/mailbox" });
  const navigate = useNavigate();
  const { data, error } = useQuery({
    queryKey: ["mailbox"],
    queryFn: ({ signal }) => requestMailbox(signal),
    refetchInterval: (query) => (query.state.error ? false : REFRESH_MS),
    refetchIntervalInBackground: true,
    staleTime: 0,
    retry: 1,
  });
  const isElsewhere = error instanceof ApiError && error.code === "not_local";
  const shown = filterMessages(data ?? [], to);
  return (
    <div className="mx-auto max-w-3xl px-4 pb-16 sm:px-6">
      <header className="flex items-center justify-between py-4">
        <Link to="/" className="inline-flex rounded-lg" aria-label="Sett, home">
          <Logo />
        </Link>
        <ThemeToggle />
      </header>
      <main id="main" className="grid gap-5 pt-4">
        <div>
          <h1 className="text-2xl font-semibold tracking-tight">Local mailbox</h1>
          <p className="mt-1 text-muted">
            {to ? (
              <>
                Mail to <strong className="font-medium text-ink [overflow-wrap:anywhere]">{to}</strong>.{" "}
                <Button variant="ghost" size="sm" onClick={() => void navigate({ to: "/dev/mailbox", search: {} })}>
                  Show all
                </Button>
              </>
            ) : (
              "Mail that this Sett would have sent. Nothing leaves your computer."
            )}
          </p>
        </div>
        {isElsewhere ? (
          <Notice tone="info">The mailbox exists only in the local environment.</Notice>
        ) : error && !data ? (
          <ErrorNotice error={error} />
        ) : !data ? (
          <Skeleton className="h-40 rounded-xl" />
        ) : shown.length === 0 ? (
          <p role="status" className="rounded-xl border border-dashed border-line px-4 py-12 text-center text-muted">
            No mail yet. New mail appears here by itself.
          </p>
        ) : (
          <ol data-testid="mailbox" className="grid gap-3">
            {shown.map((message, index) => (
              <Message key={`${message.sent_at}:${message.to}:${message.subject}`} message={message} isNewest={index === 0} />
            ))}
          </ol>
        )}
      </main>
    </div>
  );
}

function Message({ message, isNewest }: { message: MailboxMessage; isNewest: boolean }) {
  const code = findOneTimeCode(message.text);
  return (
    <li data-testid="mail" className="animate-rise rounded-xl border border-line bg-surface p-4 shadow-card sm:p-5">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 className="font-semibold">{message.subject}</h2>
        <span className="text-[0.8125rem] text-muted">
          <RelativeTime at={message.sent_at} />
        </span>
      </div>
      <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">to {message.to}</p>
      {code && (
        <div className="mt-4 flex items-center gap-2 rounded-lg bg-sunken py-2 pr-2 pl-4">
          <code data-testid="mail-code" className="flex-1 font-mono text-2xl font-semibold tracking-[0.2em]">
            {code}
          </code>
          <CopyButton text={code} label="Copy the code" />
        </div>
      )}
      <details open={isNewest && !code} className="mt-4 text-sm">
        <summary className="w-fit rounded-sm text-muted hover:text-ink">Text</summary>
        <pre className="mt-2 font-sans break-words whitespace-pre-wrap">{message.text}</pre>
      </details>
      {message.html && (
        <details className="mt-2 text-sm">
          <summary className="w-fit rounded-sm text-muted hover:text-ink">HTML</summary>
          <iframe title={`HTML of ${message.subject}`} sandbox="" srcDoc={message.html} className="mt-2 h-80 w-full rounded-lg border border-line bg-white" />
        </details>
      )}
    </li>
  );
}
