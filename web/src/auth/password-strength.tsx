import { cx } from "../ui/cx";
import { ratePassword } from "./password.core";

const LABEL = ["Too short", "Weak", "Fair", "Good", "Strong"] as const;
const COLOUR = ["bg-line-strong", "bg-bad", "bg-warn", "bg-ok", "bg-ok"] as const;

export function PasswordStrength({ password }: { password: string }) {
  if (password === "") return <>At least 8 characters. Longer is stronger than trickier.</>;
  const score = ratePassword(password);
  return (
    <span className="flex items-center gap-3">
      <span aria-hidden className="flex flex-1 gap-1">
        {[1, 2, 3, 4].map((step) => (
          <span key={step} className={cx("h-1 flex-1 rounded-full transition-colors", step <= score ? COLOUR[score] : "bg-line")} />
        ))}
      </span>
      <span className="w-16 text-right">{LABEL[score]}</span>
    </span>
  );
}
