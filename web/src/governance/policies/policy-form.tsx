import { useState, type ReactNode } from "react";
import { asApiError } from "../../api/errors";
import { Button } from "../../ui/button";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { Switch } from "../../ui/switch";
import { useAct } from "../act";
import type { NewPolicy } from "../governance.types";
import { TextArea } from "../parts";
import { faultOf } from "../refusal.core";
import { readPolicyDraft, WIRE_PATHS, type DraftField, type Faults, type PolicyDraft } from "./policy-form.core";

interface PolicyFormProps {
  start: PolicyDraft;
  isNew: boolean;
  save: (policy: NewPolicy) => Promise<unknown>;
  onSaved: (policy: NewPolicy) => void;
  onCancel: () => void;
}

/** A policy as a whole. */
export function PolicyForm({ start, isNew, save, onSaved, onCancel }: PolicyFormProps) {
  const [draft, setDraft] = useState(start);
  const [faults, setFaults] = useState<Faults>({});
  const act = useAct(save, (_answer, policy) => onSaved(policy));
  const error = act.error === null ? null : asApiError(act.error);
  const wrong = (field: DraftField): string | null => faults[field] ?? faultOf(error, WIRE_PATHS.find(([one]) => one === field)?.[1] ?? field);
  const text = (field: { [key in DraftField]: PolicyDraft[key] extends string ? key : never }[DraftField]) => ({
    name: field,
    value: draft[field],
    error: wrong(field),
    autoComplete: "off",
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [field]: event.target.value }),
  });
  const turn = (change: Partial<PolicyDraft>): void => setDraft({ ...draft, ...change });
  return (
    <form
      noValidate
      data-testid="policy-form"
      className="grid max-w-4xl grid-cols-1 gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        const read = readPolicyDraft(draft);
        setFaults(read.ok ? {} : read.faults);
        if (read.ok && !act.isPending) act.mutate(read.body);
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <Part title="Whom it is for" note="All that is named must hold. Without either, only tenants that name the policy are under it.">
        {isNew && <Field label="Name" placeholder="platform-egress" maxLength={63} autoCapitalize="none" spellCheck={false} hint="Stays as it is. Lower-case letters, digits and dashes." {...text("name")} />}
        <Field label="Description" maxLength={2000} {...text("description")} />
        <Field label="Team" placeholder="any" {...text("matchTeam")} />
        <TextArea label="Labels" placeholder="region=eu" rows={2} hint="key=value, one a line" {...text("labels")} />
      </Part>
      <Part title="Domains" note="example.org exactly, *.example.org everything below it, * all. Denied beats allowed." aside={<Turn label="Restrict domains" isOn={draft.rulesDomains} onChange={(rulesDomains) => turn({ rulesDomains })} />}>
        {draft.rulesDomains && (
          <>
            <TextArea label="Allowed domains" placeholder="*.example.org" rows={4} {...text("domainsAllow")} />
            <TextArea label="Denied domains" rows={4} {...text("domainsDeny")} />
            <div className="sm:col-span-2">
              <Turn label="Refuse all other domains" isOn={draft.defaultDeny} onChange={(defaultDeny) => turn({ defaultDeny })} />
            </div>
          </>
        )}
      </Part>
      <Part title="Egress" note="For connections to IP addresses.">
        <div className="sm:col-span-2">
          <TextArea label="Ranges" placeholder="10.0.0.0/8 443,8443 TCP" hint="One a line: an IPv4 range, ports and a protocol, which may be left out." {...text("egress")} />
        </div>
      </Part>
      <Part title="Tools" note="By name, * for all." aside={<Turn label="Only named tools" isOn={draft.limitsTools} onChange={(limitsTools) => turn({ limitsTools })} />}>
        {draft.limitsTools && <TextArea label="Allowed tools" {...text("toolsAllow")} />}
        <TextArea label="Denied tools" {...text("toolsDeny")} />
      </Part>
      <Part title="MCP servers" note="By name, * for all. A server must be granted to the tenant too." aside={<Turn label="Only named MCP servers" isOn={draft.limitsMcp} onChange={(limitsMcp) => turn({ limitsMcp })} />}>
        {draft.limitsMcp && <TextArea label="Allowed MCP servers" {...text("mcpAllow")} />}
        <TextArea label="Denied MCP servers" {...text("mcpDeny")} />
      </Part>
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={act.isPending}>
          {isNew ? "Create policy" : "Save"}
        </Button>
      </div>
    </form>
  );
}

interface PartProps {
  title: string;
  note: string;
  aside?: ReactNode;
  children: ReactNode;
}

function Part({ title, note, aside, children }: PartProps) {
  return (
    <fieldset className="min-w-0 rounded-xl border border-line bg-surface px-4 py-4 shadow-card sm:px-5">
      <legend className="sr-only">{title}</legend>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <p aria-hidden className="text-[0.9375rem] font-semibold tracking-tight">
            {title}
          </p>
          <p className="text-[0.8125rem] text-muted">{note}</p>
        </div>
        {aside}
      </div>
      <div className="grid items-start gap-4 empty:hidden sm:grid-cols-2">{children}</div>
    </fieldset>
  );
}

function Turn({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <div className="flex items-center gap-3 text-sm">
      <Switch label={label} isOn={isOn} onChange={onChange} />
      <span aria-hidden>{label}</span>
    </div>
  );
}
