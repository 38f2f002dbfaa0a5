import { useEffect, useRef, useState } from "react";
import { countOf } from "../lib/format";
import type { FleetTransition } from "./fleet.types";

const VERB: Record<FleetTransition["kind"], string> = {
  online: "came online",
  offline: "went offline",
  added: "joined the fleet",
  removed: "was removed",
};

/** Says comings and goings to screen readers; a wave of them is one sentence. */
export function FleetAnnouncer({ transitions }: { transitions: readonly FleetTransition[] }) {
  const heardSeq = useRef(transitions.at(-1)?.seq ?? 0);
  const [text, setText] = useState("");
  useEffect(() => {
    const news = transitions.filter(({ seq }) => seq > heardSeq.current);
    if (news.length === 0) return;
    heardSeq.current = news.at(-1)?.seq ?? heardSeq.current;
    setText(announceTransitions(news));
  }, [transitions]);
  return (
    <div aria-live="polite" role="status" className="sr-only">
      {text}
    </div>
  );
}

function announceTransitions(news: readonly FleetTransition[]): string {
  if (news.length <= 3) return news.map(({ name, kind }) => `${name} ${VERB[kind]}.`).join(" ");
  const kinds = Object.keys(VERB) as FleetTransition["kind"][];
  return kinds
    .map((kind) => ({ kind, count: news.filter((transition) => transition.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${countOf(count, "machine")} ${count === 1 ? VERB[kind] : VERB[kind].replace("was", "were")}.`)
    .join(" ");
}
