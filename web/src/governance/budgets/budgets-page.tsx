import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { PageHead, Pill, rowClass, Rows } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { PasswordField } from "../../ui/password-field";
import { RelativeTime } from "../../ui/relative-time";
import { useAct } from "../act";
import { removeAccountBudget, removeProviderKey, setAccountBudget, setGlobalBudget, setProviderKey } from "../assets.api";
import { ConfirmAct } from "../confirm-act";
import { accountBudgetsQuery, globalBudgetQuery, providerKeysQuery } from "../governance-query";
import type { ProviderKey } from "../governance.types";
import { Card, Read } from "../parts";
import { faultOf } from "../refusal.core";
import { BudgetBar } from "./budget-bar";
import { readUsd } from "./money.core";

/** What may be spent, and with whose keys. */
export function BudgetsPage() {
  usePageTitle("Budgets");
  return (
    <div data-testid="budgets" className="grid grid-cols-1 gap-7">
      <PageHead title="Budgets" note="Per calendar month, in UTC. A tenant's own limit is on its page." />
      <Global />
      <Accounts />
      <Providers />
    </div>
  );
}

function Global() {
  const result = useQuery(globalBudgetQuery);
  const [isEditing, setEditing] = useState(false);
  const limit = result.data?.monthlyLimitUsd;
  return (
    <Section
      title="The organisation"
      aside={
        <Button size="sm" aria-label="Change the organisation's limit" disabled={!result.data} onClick={() => setEditing(true)}>
          Change
        </Button>
      }
    >
      <Read result={result} what="the budget" rows={1}>
        {(budget) => (
          <Card data-testid="global-budget">
            <BudgetBar name={`This month, until ${budget.resetDate.slice(0, 10)}`} budget={budget} />
          </Card>
        )}
      </Read>
      <Dialog isOpen={isEditing} onOpenChange={setEditing} title="The organisation's limit" description="All tenants and people together. Past it, calls of models are refused.">
        <LimitForm start={limit === undefined ? "" : String(limit)} mayBeNone save={setGlobalBudget} onClose={() => setEditing(false)} />
      </Dialog>
    </Section>
  );
}

interface LimitFormProps {
  start: string;
  mayBeNone: boolean;
  save: (usd: number | null) => Promise<unknown>;
  onClose: () => void;
}

function LimitForm({ start, mayBeNone, save, onClose }: LimitFormProps) {
  const [typed, setTyped] = useState(start);
  const [isTried, setTried] = useState(false);
  const read = readUsd(typed);
  const act = useAct(save, onClose);
  const error = act.error === null ? null : asApiError(act.error);
  const fault = !read.ok ? read.fault : read.value === null && !mayBeNone ? "An amount in dollars." : null;
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (read.ok && fault === null && !act.isPending) act.mutate(read.value);
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <Field
        label="Monthly limit in dollars"
        name="limit"
        inputMode="decimal"
        autoComplete="off"
        value={typed}
        error={(isTried ? fault : null) ?? faultOf(error, "monthlyLimitUsd")}
        {...(mayBeNone ? { hint: "Empty: no limit." } : {})}
        onChange={(event) => setTyped(event.target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={act.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}

function Accounts() {
  const [asked, setAsked] = useState<{ userId: string; limit: string } | null>(null);
  const [isAdding, setAdding] = useState(false);
  return (
    <Section
      title="People with a limit of their own"
      aside={
        <Button size="sm" onClick={() => setAdding(true)}>
          Add
        </Button>
      }
    >
      <Read result={useQuery(accountBudgetsQuery)} what="people" rows={2}>
        {(accounts) =>
          accounts.length === 0 ? (
            <Nothing>Nobody has one.</Nothing>
          ) : (
            <Rows label="People with a limit">
              {accounts.map((account) => (
                <li key={account.userId} data-testid="account-budget" className={`${rowClass} flex flex-wrap items-center gap-x-5 gap-y-2 px-4 py-3`}>
                  <div className="min-w-0 flex-1 basis-60">
                    <BudgetBar name={account.userId} budget={account} />
                  </div>
                  <div className="flex gap-2">
                    <Button size="sm" aria-label={`Change the limit of ${account.userId}`} onClick={() => setAsked({ userId: account.userId, limit: String(account.monthlyLimitUsd ?? "") })}>
                      Change
                    </Button>
                    <ConfirmAct
                      label="Remove"
                      name={`Remove the limit of ${account.userId}`}
                      title={`Remove the limit of ${account.userId}?`}
                      description="Only the limits of the organisation and of tenants hold for them then. What they spent stays counted."
                      confirmLabel="Remove"
                      act={() => removeAccountBudget(account.userId)}
                    />
                  </div>
                </li>
              ))}
            </Rows>
          )
        }
      </Read>
      <Dialog
        isOpen={asked !== null}
        onOpenChange={(next) => {
          if (!next) setAsked(null);
        }}
        title={asked?.userId ?? ""}
        description="What this person may spend in a month."
      >
        {asked && <LimitForm start={asked.limit} mayBeNone={false} save={(usd) => setAccountBudget(asked.userId, usd ?? 0)} onClose={() => setAsked(null)} />}
      </Dialog>
      <Dialog isOpen={isAdding} onOpenChange={setAdding} title="A person's limit" description="By the id that is told with their model calls.">
        <AddAccount
          onNext={(userId) => {
            setAdding(false);
            setAsked({ userId, limit: "" });
          }}
          onClose={() => setAdding(false)}
        />
      </Dialog>
    </Section>
  );
}

function AddAccount({ onNext, onClose }: { onNext: (userId: string) => void; onClose: () => void }) {
  const [userId, setUserId] = useState("");
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (userId.trim() !== "") onNext(userId.trim());
      }}
    >
      <Field label="Person" name="userId" autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={200} value={userId} onChange={(event) => setUserId(event.target.value)} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={userId.trim() === ""}>
          Next
        </Button>
      </div>
    </form>
  );
}

const PROVIDER: Record<ProviderKey["provider"], string> = { claude: "Claude", openai: "OpenAI" };

function Providers() {
  const [setting, setSetting] = useState<ProviderKey["provider"] | null>(null);
  return (
    <Section title="Keys of providers">
      <Read result={useQuery(providerKeysQuery)} what="keys of providers" rows={2}>
        {(keys) => (
          <Rows label="Keys of providers">
            {keys.map(({ provider, configured, updatedAt }) => (
              <li key={provider} data-testid="provider-key" data-provider={provider} data-configured={configured} className={`${rowClass} flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3`}>
                <span className="min-w-0 flex-1 basis-40">
                  <span className="block font-medium">{PROVIDER[provider]}</span>
                  <span className="block text-[0.8125rem] text-muted">
                    {configured && updatedAt !== undefined ? (
                      <>
                        set <RelativeTime at={updatedAt} />
                      </>
                    ) : (
                      "no key"
                    )}
                  </span>
                </span>
                <Pill tone={configured ? "ok" : "quiet"}>{configured ? "Configured" : "Not configured"}</Pill>
                <div className="flex gap-2">
                  <Button size="sm" aria-label={`${configured ? "Replace" : "Set"} the key of ${PROVIDER[provider]}`} onClick={() => setSetting(provider)}>
                    {configured ? "Replace" : "Set"}
                  </Button>
                  {configured && (
                    <ConfirmAct label="Remove" name={`Remove the key of ${PROVIDER[provider]}`} title={`Remove the key of ${PROVIDER[provider]}?`} description="Calls of its models fail until another is set." confirmLabel="Remove" act={() => removeProviderKey(provider)} />
                  )}
                </div>
              </li>
            ))}
          </Rows>
        )}
      </Read>
      <Dialog
        isOpen={setting !== null}
        onOpenChange={(next) => {
          if (!next) setSetting(null);
        }}
        title={setting === null ? "" : `Key of ${PROVIDER[setting]}`}
        description="It is sealed, and nobody is shown it again."
      >
        {setting && <ProviderForm provider={setting} onClose={() => setSetting(null)} />}
      </Dialog>
    </Section>
  );
}

function ProviderForm({ provider, onClose }: { provider: ProviderKey["provider"]; onClose: () => void }) {
  const [key, setKey] = useState("");
  const save = useAct(() => setProviderKey(provider, key.trim()), onClose);
  const error = save.error === null ? null : asApiError(save.error);
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() !== "" && !save.isPending) save.mutate();
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <PasswordField label="Key" name="apiKey" autoComplete="off" value={key} error={faultOf(error, "apiKey")} onChange={(event) => setKey(event.target.value)} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={key.trim() === ""}>
          Save
        </Button>
      </div>
    </form>
  );
}
