import { Switch as RadixSwitch } from "radix-ui";

interface SwitchProps {
  label: string;
  isOn: boolean;
  isBusy?: boolean;
  onChange: (isOn: boolean) => void;
}

/** On or off, at once. The label is spoken; show words beside it. */
export function Switch({ label, isOn, isBusy = false, onChange }: SwitchProps) {
  return (
    <RadixSwitch.Root
      aria-label={label}
      checked={isOn}
      aria-busy={isBusy || undefined}
      onCheckedChange={(next) => {
        if (!isBusy) onChange(next);
      }}
      className="group inline-flex h-6 w-11 shrink-0 items-center rounded-full border border-line-strong bg-sunken px-0.5 transition-colors aria-busy:opacity-60 data-[state=checked]:border-transparent data-[state=checked]:bg-ok"
    >
      <RadixSwitch.Thumb className="size-[1.125rem] rounded-full bg-line-strong transition-transform group-data-[state=checked]:translate-x-5 group-data-[state=checked]:bg-paper" />
    </RadixSwitch.Root>
  );
}
