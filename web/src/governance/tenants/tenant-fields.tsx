import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import type { ApiError } from "../../api/errors";
import { Field, selectClass } from "../../ui/field";
import { policiesQuery, rolloutQuery } from "../governance-query";
import { TextArea } from "../parts";
import { faultOf } from "../refusal.core";
import { WIRE_PATHS, type DraftField, type Faults, type TenantDraft } from "./tenant.core";

interface TenantFieldsProps {
  draft: TenantDraft;
  onChange: (draft: TenantDraft) => void;
  faults: Faults;
  error: ApiError | null;
  isNew: boolean;
}

/** The inputs of a tenant, for a new one and for one that is there. */
export function TenantFields({ draft, onChange, faults, error, isNew }: TenantFieldsProps) {
  const policies = useQuery(policiesQuery);
  const rollout = useQuery(rolloutQuery);
  const wrong = (field: DraftField): string | null => faults[field] ?? faultOf(error, WIRE_PATHS.find(([one]) => one === field)?.[1] ?? field);
  const text = (field: DraftField) => ({ name: field, value: draft[field], error: wrong(field), autoComplete: "off", onChange: (event: { target: { value: string } }) => onChange({ ...draft, [field]: event.target.value }) });
  return (
    <>
      {isNew && <Field label="Name" placeholder="platform-team" maxLength={63} autoCapitalize="none" spellCheck={false} hint="Stays as it is. Lower-case letters, digits and dashes." {...text("name")} />}
      <Field label="Shown as" placeholder="Platform team" maxLength={200} {...text("displayName")} />
      <Field label="E-mail" type="email" placeholder="platform@example.org" hint="Whose it is; machines are attached from this account unless told otherwise." {...text("email")} />
      <Field label="Team" placeholder="platform" {...text("team")} />
      <Field label="Monthly limit in dollars" inputMode="decimal" placeholder="no limit" {...text("budget")} />
      <Picker label="Policy" name="policyRef" value={draft.policyRef} none="Found by its selector" options={policies.data?.map(({ name }) => name) ?? []} error={wrong("policyRef")} onChange={(policyRef) => onChange({ ...draft, policyRef })} />
      {!isNew && (
        <>
          <Picker label="Wave of the rollout" name="wave" value={draft.wave} none="The widest" options={rollout.data?.waves ?? []} error={wrong("wave")} onChange={(wave) => onChange({ ...draft, wave })} />
          <TextArea label="Labels" placeholder="region=eu" hint="key=value, one a line. Selectors of policies look at them." {...text("labels")} />
          <TextArea label="Only these skills" placeholder="all that are granted" hint="Names, one a line." {...text("skills")} />
        </>
      )}
    </>
  );
}

interface PickerProps {
  label: string;
  name: string;
  value: string;
  none: string;
  options: readonly string[];
  error: string | null;
  onChange: (value: string) => void;
}

/** A choice among names; one that is not among them any more stays as it is. */
function Picker({ label, name, value, none, options, error, onChange }: PickerProps) {
  const id = useId();
  const all = value === "" || options.includes(value) ? options : [value, ...options];
  return (
    <div className="grid content-start gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <select id={id} name={name} value={value} aria-invalid={error ? true : undefined} onChange={(event) => onChange(event.target.value)} className={selectClass}>
        <option value="">{none}</option>
        {all.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
      {error && (
        <p role="alert" className="text-[0.8125rem] text-bad">
          {error}
        </p>
      )}
    </div>
  );
}
