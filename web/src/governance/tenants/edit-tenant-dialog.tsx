import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { useAct } from "../act";
import { changeTenant } from "../governance.api";
import type { Tenant, TenantChange } from "../governance.types";
import { TenantFields } from "./tenant-fields";
import { draftOfTenant, readTenantChange, type Faults } from "./tenant.core";

interface EditTenantDialogProps {
  tenant: Tenant;
  isOpen: boolean;
  onClose: () => void;
}

export function EditTenantDialog({ tenant, isOpen, onClose }: EditTenantDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Edit ${tenant.name}`}
      description="What changes reaches its machines within seconds."
    >
      <EditTenantForm tenant={tenant} onClose={onClose} />
    </Dialog>
  );
}

function EditTenantForm({ tenant, onClose }: Omit<EditTenantDialogProps, "isOpen">) {
  // As the form found it: the page behind it reads the tenant again and again.
  const [before] = useState(tenant);
  const [draft, setDraft] = useState(() => draftOfTenant(tenant));
  const [faults, setFaults] = useState<Faults>({});
  const save = useAct((body: TenantChange) => changeTenant(before.name, body), onClose);
  const error = save.error === null ? null : asApiError(save.error);
  return (
    <form
      noValidate
      data-testid="tenant-edit-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const read = readTenantChange(draft, before);
        setFaults(read.ok ? {} : read.faults);
        if (!read.ok || save.isPending) return;
        if (Object.keys(read.body).length === 0) onClose();
        else save.mutate(read.body);
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <TenantFields draft={draft} onChange={setDraft} faults={faults} error={error} isNew={false} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
