import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "./button";

/** Copies a text and says so, to eyes and ears. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <>
      <IconButton label={isCopied ? "Copied" : label} onClick={() => void copyText(text).then(setCopied)}>
        {isCopied ? <Check aria-hidden className="text-ok" /> : <Copy aria-hidden />}
      </IconButton>
      <span className="sr-only" role="status">
        {isCopied ? "Copied" : ""}
      </span>
    </>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A command to paste into a terminal. */
export function Command({ text, label }: { text: string; label: string }) {
  return (
    <div className="flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3.5">
      <code className="min-w-0 flex-1 overflow-x-auto py-1.5 font-mono text-[0.8125rem] whitespace-nowrap" tabIndex={0} aria-label={label}>
        <span aria-hidden className="mr-2 text-muted select-none">
          $
        </span>
        {text}
      </code>
      <CopyButton text={text} label={`Copy: ${label}`} />
    </div>
  );
}
