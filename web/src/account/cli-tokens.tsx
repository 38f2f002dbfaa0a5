import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "../../../clients/fleet.gen";
import { api, unwrap } from "../api/client";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { ConfirmDialog } from "../ui/dialog";
import { ErrorNotice } from "../ui/error-notice";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { Nothing, Section } from "../machine/section";
import { MintTokenDialog } from "./mint-token-dialog";
import { TOKENS_KEY } from "./tokens-key";

type Token = components["schemas"]["TokenListItem"];


const STATUS_TONE: Record<string, string> = {
  active: "bg-ok-soft text-ok",
  bound: "bg-info-soft text-info",
  expired: "bg-sunken text-muted",
  revoked: "bg-sunken text-muted",
};

export function CliTokens() {
  const client = useQueryClient();
  const [isMinting, setMinting] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: TOKENS_KEY,
    queryFn: async ({ signal }) => unwrap(await api.GET("/api/v1/user/cli-tokens", { signal })),
  });
  const revoke = useMutation({
    mutationFn: async (id: string) => {
      unwrap(await api.DELETE("/api/v1/user/cli-tokens/{token_id}", { params: { path: { token_id: id } } }));
      await client.invalidateQueries({ queryKey: TOKENS_KEY });
    },
    onSuccess: () => setRevoking(null),
  });
  return (
    <Section
      title="CLI tokens"
      aside={
        <Button size="sm" onClick={() => setMinting(true)}>
          New token
        </Button>
      }
    >
      <p id="cli-tokens" className="-mt-2 scroll-mt-24 text-sm text-muted">
        What machines and scripts sign in with. A token binds itself to the first machine that uses it.
      </p>
      {data ? (
        data.length === 0 ? (
          <Nothing>No tokens yet. Signing the CLI in makes one, or make one here for a server without a browser.</Nothing>
        ) : (
          <ul className="rounded-xl border border-line bg-surface shadow-card">
            {data.map((token) => (
              <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
            ))}
          </ul>
        )
      ) : error ? (
        <ErrorNotice error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      ) : (
        <Skeleton className="h-32 rounded-xl" />
      )}
      <MintTokenDialog isOpen={isMinting} onClose={() => setMinting(false)} />
      <ConfirmDialog
        isOpen={revoking !== null}
        onOpenChange={(isOpen) => {
          if (isOpen) return;
          revoke.reset();
          setRevoking(null);
        }}
        title={`Revoke ${revoking?.name ?? "token"}?`}
        description={
          revoking?.bound_instance_id
            ? `The machine ${revoking.bound_instance_id} loses its link at once and has to sign in again.`
            : "Whatever uses this token has to sign in again. This cannot be undone."
        }
        confirmLabel="Revoke token"
        isBusy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoking && revoke.mutate(revoking.id)}
      />
    </Section>
  );
}

function TokenRow({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  const isDead = token.status === "revoked" || token.status === "expired";
  return (
    <li className="flex items-center gap-4 border-t border-line px-4 py-3 first:border-t-0">
      <div className="min-w-0 flex-1">
        <p className={cx("flex flex-wrap items-center gap-x-2 gap-y-1 font-medium", isDead && "text-muted")}>
          <span className="[overflow-wrap:anywhere]">{token.name}</span>
          <span className={cx("rounded-full px-2 py-0.5 text-xs font-medium", STATUS_TONE[token.status] ?? "bg-sunken text-muted")}>{token.status}</span>
        </p>
        <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
          <code className="font-mono text-xs">{token.token_prefix}…</code> · used <RelativeTime at={token.last_used_at} /> · {expiryText(token)}
          {token.bound_instance_id && <> · on {token.bound_instance_id}</>}
        </p>
      </div>
      {!isDead && (
        <Button size="sm" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
          Revoke
        </Button>
      )}
    </li>
  );
}

function expiryText({ expires_at, status }: Token): string {
  if (!expires_at) return "never expires";
  const day = new Date(expires_at).toLocaleDateString(undefined, { dateStyle: "medium" });
  return status === "expired" ? `expired ${day}` : `until ${day}`;
}
