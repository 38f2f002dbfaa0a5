import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./button";
import { CopyButton } from "./copy-button";

/** A secret that stays covered until somebody asks; copying does not need to show it. */
export function Secret({ text, label }: { text: string; label: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <div className="flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3.5">
      <code data-testid="secret" className="min-w-0 flex-1 py-1.5 font-mono text-[0.8125rem] break-all">
        {isShown ? (
          text
        ) : (
          <>
            <span aria-hidden>{"•".repeat(20)}</span>
            <span className="sr-only">{`${label}, hidden`}</span>
          </>
        )}
      </code>
      <IconButton label={isShown ? `Hide ${label}` : `Show ${label}`} aria-pressed={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
      </IconButton>
      <CopyButton text={text} label={`Copy ${label}`} />
    </div>
  );
}
