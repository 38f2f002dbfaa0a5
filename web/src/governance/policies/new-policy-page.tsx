import { useNavigate } from "@tanstack/react-router";
import { PageHead } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { createPolicy } from "../governance.api";
import { PolicyForm } from "./policy-form";
import { EMPTY_POLICY } from "./policy-form.core";

export function NewPolicyPage() {
  usePageTitle("New policy");
  const navigate = useNavigate();
  return (
    <div className="grid grid-cols-1 gap-4">
      <PageHead title="New policy" />
      <PolicyForm
        start={EMPTY_POLICY}
        isNew
        save={createPolicy}
        onSaved={({ name }) => void navigate({ to: "/governance/policies/$name", params: { name } })}
        onCancel={() => void navigate({ to: "/governance/policies" })}
      />
    </div>
  );
}
