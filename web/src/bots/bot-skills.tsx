import { useQuery } from "@tanstack/react-query";
import { Nothing, Section } from "../machine/section";
import { ErrorNotice } from "../ui/error-notice";
import { Skeleton } from "../ui/skeleton";
import { listBotSkills } from "./bots.api";
import { botKey } from "./bots-query";
import { SkillText } from "./skill-text";

/** What the bot has learnt, as its machine reports it. */
export function BotSkills({ botId, machineId }: { botId: string; machineId: string | null }) {
  const { data, error } = useQuery({ queryKey: botKey(botId, "skills"), queryFn: ({ signal }) => listBotSkills(botId, signal) });
  return (
    <Section title="Skills">
      {data ? (
        data.length === 0 ? (
          <Nothing>{machineId === null ? "Skills show up here once a machine runs the bot." : "Its machine reports no skills."}</Nothing>
        ) : (
          <ul className="rounded-xl border border-line bg-surface shadow-card">
            {data.map((skill) => (
              <li key={skill.name} className="border-t border-line px-4 py-3 first:border-t-0">
                <SkillText skill={skill} />
              </li>
            ))}
          </ul>
        )
      ) : error ? (
        <ErrorNotice error={error} />
      ) : (
        <Skeleton className="h-20 rounded-xl" />
      )}
    </Section>
  );
}
