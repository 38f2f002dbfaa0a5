import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type FormEvent } from "react";
import { asApiError } from "../api/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field, selectClass } from "../ui/field";
import { refreshCloud } from "./cloud-query";
import { createCloudVm } from "./cloud.api";
import { CPU_CHOICES, EMPTY_FORM, formFaults, LLM_PROVIDERS, RAM_CHOICES, toNewVm, type LlmProvider, type NewVmForm } from "./new-vm.core";
import { VmProblem } from "./vm-problem";

interface CreateVmDialogProps {
  isOpen: boolean;
  onClose: () => void;
  onCreated: (instanceId: string) => void;
}

export function CreateVmDialog({ isOpen, onClose, onCreated }: CreateVmDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title="Create a cloud machine"
      description="A computer that we rent for you, with our daemon on it. It takes some minutes and needs nothing more from you."
    >
      <NewVmFields onCancel={onClose} onCreated={onCreated} />
    </Dialog>
  );
}

/** Mounted anew each time the dialog opens, so a key that was typed lives no longer than the dialog. */
function NewVmFields({ onCancel, onCreated }: { onCancel: () => void; onCreated: (instanceId: string) => void }) {
  const client = useQueryClient();
  const [form, setForm] = useState<NewVmForm>(EMPTY_FORM);
  const body = toNewVm(form);
  const faults = formFaults(form);
  const create = useMutation({
    mutationFn: createCloudVm,
    // The mutation's variables hold the key: nothing of it outlives the dialog.
    gcTime: 0,
    onSuccess: async ({ instance_id }) => {
      setForm(EMPTY_FORM);
      await refreshCloud(client);
      onCreated(instance_id);
    },
  });
  const failure = create.error ? asApiError(create.error) : null;
  const fields = failure?.fields ?? {};
  const isNameTaken = failure?.code === "cloud_vm_name_taken";
  const change = (next: Partial<NewVmForm>): void => {
    if (create.isError) create.reset();
    setForm({ ...form, ...next });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (body && !create.isPending) create.mutate(body);
  };
  const provider = LLM_PROVIDERS.find(({ value }) => value === form.provider);
  return (
    <form data-testid="create-vm-form" onSubmit={submit} className="grid grid-cols-1 gap-4" autoComplete="off">
      {failure && !isNameTaken && Object.keys(fields).length === 0 && <VmProblem error={failure} act="create" />}
      <Field
        label="Name"
        name="vm_name"
        autoComplete="off"
        maxLength={64}
        placeholder="Chosen for you"
        value={form.name}
        error={isNameTaken ? "You have a machine of this name. Choose another one." : fields["name"]}
        onChange={(event) => change({ name: event.target.value })}
      />
      <div className="grid grid-cols-2 gap-3">
        <Choice label="Cores" name="cpu" values={CPU_CHOICES} value={form.cpu} unit="" onChoose={(cpu) => change({ cpu })} />
        <Choice label="Memory" name="ram" values={RAM_CHOICES} value={form.ram} unit=" GB" onChoose={(ram) => change({ ram })} />
      </div>
      <Field
        label="Disk, GB"
        name="disk"
        inputMode="numeric"
        autoComplete="off"
        placeholder="The provider’s usual size"
        value={form.disk}
        error={faults.disk ?? fields["disk_size_gb"]}
        onChange={(event) => change({ disk: event.target.value })}
      />
      <LlmChoice value={form.provider} onChoose={(value) => change({ provider: value })} />
      <Field
        label={`${provider?.label ?? "API"} key`}
        name="llm_key"
        type="password"
        autoComplete="new-password"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        maxLength={512}
        placeholder={provider?.placeholder}
        value={form.key}
        error={faults.key ?? fields["llm_api_key"]}
        hint="May be left empty. Sealed at once: only the machine itself gets it; nobody, you included, can read it here again."
        onChange={(event) => change({ key: event.target.value })}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending} disabled={body === null}>
          Create machine
        </Button>
      </div>
    </form>
  );
}

interface ChoiceProps {
  label: string;
  name: string;
  values: readonly number[];
  value: number;
  unit: string;
  onChoose: (value: number) => void;
}

function Choice({ label, name, values, value, unit, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <select id={id} name={name} className={selectClass} value={value} onChange={(event) => onChoose(Number(event.target.value))}>
        {values.map((one) => (
          <option key={one} value={one}>
            {one}
            {unit}
          </option>
        ))}
      </select>
    </div>
  );
}

function LlmChoice({ value, onChoose }: { value: LlmProvider; onChoose: (value: LlmProvider) => void }) {
  const id = useId();
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        Model provider
      </label>
      <select
        id={id}
        name="llm_provider"
        className={selectClass}
        value={value}
        onChange={(event) => {
          const chosen = LLM_PROVIDERS.find((known) => known.value === event.target.value);
          if (chosen) onChoose(chosen.value);
        }}
      >
        {LLM_PROVIDERS.map((known) => (
          <option key={known.value} value={known.value}>
            {known.label}
          </option>
        ))}
      </select>
    </div>
  );
}
