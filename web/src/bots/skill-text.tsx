import { countOf, humanise } from "../lib/format";
import type { Skill } from "./bots.types";

export function SkillText({ skill }: { skill: Skill }) {
  const facts = [skill.source === "auto" ? "learnt by itself" : `source: ${humanise(skill.source)}`, skill.useCount > 0 ? `used ${countOf(skill.useCount, "time")}` : "never used"];
  return (
    <div className="min-w-0">
      <p className="font-medium [overflow-wrap:anywhere]">{skill.name}</p>
      {skill.description !== "" && <p className="line-clamp-2 text-[0.8125rem] [overflow-wrap:anywhere]">{skill.description}</p>}
      <p className="text-[0.8125rem] text-muted">{facts.join(" · ")}</p>
    </div>
  );
}
