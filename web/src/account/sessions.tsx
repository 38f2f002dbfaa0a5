import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../api/client";
import { signOut } from "../auth/sign-in";
import { useSession } from "../auth/use-session";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/dialog";
import { ErrorNotice } from "../ui/error-notice";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { Section } from "../machine/section";
import { SignOutEverywhere } from "./sign-out-everywhere";

const SESSIONS_KEY = ["sessions"] as const;

export function Sessions() {
  const client = useQueryClient();
  const currentId = useSession()?.sessionId ?? null;
  const [endingId, setEndingId] = useState<number | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: SESSIONS_KEY,
    queryFn: async ({ signal }) => unwrap(await api.GET("/api/v1/user/sessions", { signal })).sessions,
  });
  const revoke = useMutation({
    mutationFn: async (id: number) => {
      if (id === currentId) return signOut();
      unwrap(await api.DELETE("/api/v1/user/sessions/{session_id}", { params: { path: { session_id: id } } }));
      await client.invalidateQueries({ queryKey: SESSIONS_KEY });
    },
    onSuccess: () => setEndingId(null),
  });
  const ending = data?.find(({ id }) => id === endingId);
  return (
    <Section title="Sessions" aside={<SignOutEverywhere />}>
      <p className="-mt-2 text-sm text-muted">Where you are signed in. An ended session stops working within the hour.</p>
      {data ? (
        <ul className="rounded-xl border border-line bg-surface shadow-card">
          {data.map((session) => (
            <li key={session.id} className="flex items-center gap-4 border-t border-line px-4 py-3 first:border-t-0">
              <div className="min-w-0 flex-1">
                <p className="font-medium [overflow-wrap:anywhere]">
                  {session.device_name || session.platform || "Unknown device"}
                  {session.id === currentId && (
                    <span className="ml-2 rounded-full bg-ok-soft px-2 py-0.5 text-xs font-medium text-ok">This one</span>
                  )}
                </p>
                <p className="text-[0.8125rem] text-muted">
                  {session.ip_address && <>{session.ip_address} · </>}
                  seen <RelativeTime at={session.last_seen_at} /> · started <RelativeTime at={session.created_at} />
                </p>
              </div>
              <Button size="sm" onClick={() => setEndingId(session.id)}>
                {session.id === currentId ? "Sign out" : "End"}
              </Button>
            </li>
          ))}
        </ul>
      ) : error ? (
        <ErrorNotice error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      ) : (
        <Skeleton className="h-32 rounded-xl" />
      )}
      <ConfirmDialog
        isOpen={endingId !== null}
        onOpenChange={(isOpen) => {
          if (isOpen) return;
          revoke.reset();
          setEndingId(null);
        }}
        title={endingId === currentId ? "Sign out here?" : "End this session?"}
        description={`${ending?.device_name || ending?.platform || "This device"} will have to sign in again.`}
        confirmLabel={endingId === currentId ? "Sign out" : "End session"}
        isBusy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => endingId !== null && revoke.mutate(endingId)}
      />
    </Section>
  );
}
