import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, unwrap } from "../api/client";
import { asApiError } from "../api/errors";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { Dialog } from "../ui/dialog";
import { ErrorNotice } from "../ui/error-notice";
import { Field, selectClass } from "../ui/field";
import { TOKENS_KEY } from "./tokens-key";

const LIFETIMES = { "1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days", "1y": "1 year", never: "Never" } as const;

type Lifetime = keyof typeof LIFETIMES;

interface MintTokenDialogProps {
  isOpen: boolean;
  onClose: () => void;
}

/** Makes a token and shows its secret, which nobody can show again. */
export function MintTokenDialog({ isOpen, onClose }: MintTokenDialogProps) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [lifetime, setLifetime] = useState<Lifetime>("90d");
  const mint = useMutation({
    mutationFn: async () =>
      unwrap(
        await api.POST("/api/v1/user/cli-tokens", {
          body: { name: name.trim(), expires_in: lifetime, confirm_no_expiry: lifetime === "never" },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: TOKENS_KEY }),
  });
  const close = (): void => {
    mint.reset();
    setName("");
    setLifetime("90d");
    onClose();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!mint.isPending && name.trim() !== "") mint.mutate();
  };
  const failure = mint.error ? asApiError(mint.error) : null;
  const nameError = failure && (failure.fields["name"] ?? (failure.status === 409 ? failure.message : null));
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title={mint.data ? "Copy the token now" : "New CLI token"}
      description={mint.data ? "It is shown only this once. Keep it where you keep passwords." : "For a machine or a script that cannot open a browser."}
    >
      {mint.data ? (
        <>
          <div className="flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3.5">
            <code data-testid="token-secret" className="min-w-0 flex-1 py-1.5 font-mono text-[0.8125rem] break-all">
              {mint.data.token}
            </code>
            <CopyButton text={mint.data.token} label="Copy the token" />
          </div>
          <div className="flex justify-end">
            <Button variant="primary" onClick={close}>
              Done
            </Button>
          </div>
        </>
      ) : (
        <form onSubmit={submit} className="grid gap-4">
          {failure && !nameError && <ErrorNotice error={failure} />}
          <Field label="Name" name="token-name" maxLength={64} placeholder="build-server" value={name} error={nameError} onChange={(event) => setName(event.target.value)} />
          <label className="grid gap-1.5 text-sm font-medium">
            Expires after
            <select value={lifetime} onChange={(event) => setLifetime(event.target.value as Lifetime)} className={selectClass}>
              {Object.entries(LIFETIMES).map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          {lifetime === "never" && <p className="text-[0.8125rem] text-warn">A token that never expires is only as safe as the place it is kept in.</p>}
          <div className="flex justify-end gap-2">
            <Button onClick={close}>Cancel</Button>
            <Button type="submit" variant="primary" busy={mint.isPending} disabled={name.trim() === ""}>
              Create token
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
