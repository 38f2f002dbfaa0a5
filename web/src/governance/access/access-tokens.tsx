import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { rowClass, Rows } from "../../admin/parts";
import { useClock } from "../../lib/clock";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field, selectClass } from "../../ui/field";
import { RelativeTime } from "../../ui/relative-time";
import { useAct } from "../act";
import { createAccessToken, deleteAccessToken } from "../assets.api";
import { ConfirmAct } from "../confirm-act";
import { accessTokensQuery } from "../governance-query";
import type { AccessToken } from "../governance.types";
import { Once } from "../once";
import { Read } from "../parts";
import { faultOf } from "../refusal.core";
import { describeEnd, endOf, LIFETIMES } from "./access.core";

/** Tokens of programs; each may do everything. */
export function AccessTokens() {
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Section
      title="Access tokens"
      aside={
        <Button size="sm" onClick={() => setMaking(true)}>
          New access token
        </Button>
      }
    >
      <p className="-mt-2 text-sm text-muted">Each may do everything on the governance API.</p>
      <Read result={useQuery(accessTokensQuery)} what="access tokens" rows={2}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Nothing>No access token was made.</Nothing>
          ) : (
            <Rows label="Access tokens">
              {tokens.map((token) => (
                <TokenRow key={token.id} token={token} />
              ))}
            </Rows>
          )
        }
      </Read>
      <Dialog isOpen={isMaking} onOpenChange={setMaking} title="New access token" description="For a program that governs: it may do everything here.">
        <TokenForm
          onMade={(text) => {
            setMaking(false);
            setSecret(text);
          }}
          onClose={() => setMaking(false)}
        />
      </Dialog>
      <Once title="Copy the token now" label="the token" secret={secret} onClose={() => setSecret(null)} />
    </Section>
  );
}

function TokenRow({ token }: { token: AccessToken }) {
  const end = useClock((nowMs) => describeEnd(token.expiresAt, nowMs));
  return (
    <li data-testid="access-token" data-name={token.name} className={`${rowClass} flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3`}>
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium [overflow-wrap:anywhere]">{token.name}</p>
        <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
          of {token.owner} · used <RelativeTime at={token.lastUsedAt} /> · {end}
        </p>
      </div>
      <ConfirmAct label="Revoke" name={`Revoke ${token.name}`} title={`Revoke ${token.name}?`} description="Whatever uses it is refused at once. This cannot be undone." confirmLabel="Revoke the token" act={() => deleteAccessToken(token.id)} />
    </li>
  );
}

const LIFETIME_AT_FIRST = 90;

function TokenForm({ onMade, onClose }: { onMade: (text: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [days, setDays] = useState<number | null>(LIFETIME_AT_FIRST);
  const make = useAct(
    () => createAccessToken({ name: name.trim(), owner: owner.trim() || "unknown", expiresAt: endOf(days, Date.now()) }),
    ({ plainTextToken }) => onMade(plainTextToken),
  );
  const error = make.error === null ? null : asApiError(make.error);
  return (
    <form
      data-testid="access-token-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "" && !make.isPending) make.mutate();
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <Field label="Name" name="token-name" placeholder="ci" autoComplete="off" maxLength={100} value={name} error={faultOf(error, "name")} onChange={(event) => setName(event.target.value)} />
      <Field label="Owner" name="token-owner" placeholder="platform team" autoComplete="off" maxLength={100} value={owner} error={faultOf(error, "owner")} hint="Who answers for it." onChange={(event) => setOwner(event.target.value)} />
      <label className="grid gap-1.5 text-sm font-medium">
        Expires after
        <select value={days ?? ""} onChange={(event) => setDays(event.target.value === "" ? null : Number(event.target.value))} className={selectClass}>
          {LIFETIMES.map(({ days: value, label }) => (
            <option key={label} value={value ?? ""}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {days === null && <p className="text-[0.8125rem] text-warn">A token that never expires is only as safe as the place it is kept in.</p>}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={make.isPending} disabled={name.trim() === ""}>
          Create token
        </Button>
      </div>
    </form>
  );
}
