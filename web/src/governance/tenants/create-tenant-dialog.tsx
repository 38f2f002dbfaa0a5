import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { useAct } from "../act";
import { createTenant } from "../governance.api";
import { TenantFields } from "./tenant-fields";
import { EMPTY_TENANT, readNewTenant, type Faults } from "./tenant.core";

interface CreateTenantDialogProps {
  isOpen: boolean;
  onClose: () => void;
}

export function CreateTenantDialog({ isOpen, onClose }: CreateTenantDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title="New tenant"
      description="A team or a person whose agents keep to a policy and spend from a budget."
    >
      <CreateTenantForm onClose={onClose} />
    </Dialog>
  );
}

function CreateTenantForm({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(EMPTY_TENANT);
  const [faults, setFaults] = useState<Faults>({});
  const create = useAct(createTenant, ({ name }) => {
    onClose();
    void navigate({ to: "/governance/tenants/$name", params: { name } });
  });
  const error = create.error === null ? null : asApiError(create.error);
  return (
    <form
      noValidate
      data-testid="tenant-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const read = readNewTenant(draft);
        setFaults(read.ok ? {} : read.faults);
        if (read.ok && !create.isPending) create.mutate(read.body);
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <TenantFields draft={draft} onChange={setDraft} faults={faults} error={error} isNew />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending}>
          Create
        </Button>
      </div>
    </form>
  );
}
