import { Link, useRouter } from "@tanstack/react-router";
import { asApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { Button, buttonClass } from "../ui/button";
import { LogoMark } from "../ui/logo";

/** The last resort when a page breaks. */
export function ErrorPage({ error, reset }: { error: unknown; reset?: () => void }) {
  usePageTitle("Something broke");
  const router = useRouter();
  const { message, requestId } = asApiError(error);
  return (
    <main id="main" role="alert" className="mx-auto grid max-w-md gap-5 px-5 py-[16vh]">
      <LogoMark className="size-10" />
      <div>
        <h1 className="text-2xl font-semibold tracking-tight">This page broke</h1>
        <p className="mt-2 text-muted [overflow-wrap:anywhere]">{message}</p>
        {requestId && (
          <p className="mt-2 text-[0.8125rem] text-muted">
            Request <code className="font-mono text-ink">{requestId}</code>
          </p>
        )}
      </div>
      <div className="flex gap-2">
        <Button
          variant="primary"
          onClick={() => {
            reset?.();
            void router.invalidate();
          }}
        >
          Try again
        </Button>
        <a href="/" className={buttonClass("secondary")}>
          Start over
        </a>
      </div>
    </main>
  );
}

export function NotFoundPage() {
  usePageTitle("Not found");
  return (
    <main id="main" className="mx-auto grid max-w-md gap-5 px-5 py-[16vh]">
      <LogoMark className="size-10" />
      <div>
        <h1 className="text-2xl font-semibold tracking-tight">Nothing lives here</h1>
        <p className="mt-2 text-muted">This tunnel has no end. The address may be mistyped, or the page has moved.</p>
      </div>
      <div>
        <Link to="/" className={buttonClass("primary")}>
          Back to the fleet
        </Link>
      </div>
    </main>
  );
}
