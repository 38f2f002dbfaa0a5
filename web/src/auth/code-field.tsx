import { Field } from "../ui/field";

export const CODE_LENGTH = 6;

interface CodeFieldProps {
  autoFocus: boolean;
  value: string;
  error: string | null | undefined;
  /** Given the digits only, never more than a code has. */
  onEnter: (digits: string) => void;
}

/** The six digits of a mail. */
export function CodeField({ autoFocus, value, error, onEnter }: CodeFieldProps) {
  return (
    <Field
      label="Code"
      name="code"
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern="[0-9]*"
      placeholder="000000"
      autoFocus={autoFocus}
      value={value}
      error={error}
      onChange={(event) => onEnter(event.target.value.replace(/\D/g, "").slice(0, CODE_LENGTH))}
      className="h-16 px-4 text-center font-mono text-3xl tracking-[0.3em]"
    />
  );
}
