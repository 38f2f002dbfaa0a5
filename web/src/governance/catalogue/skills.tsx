import { useQuery } from "@tanstack/react-query";
import { Id, Pill, rowClass, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { ErrorNotice } from "../../ui/error-notice";
import { Notice } from "../../ui/notice";
import { useAct } from "../act";
import { scanSkill, setSkillStatus } from "../assets.api";
import { ConfirmAct } from "../confirm-act";
import { skillsQuery } from "../governance-query";
import type { SkillBundle } from "../governance.types";
import { Read } from "../parts";
import { SCAN_TONE, shortDigest, STAGE_TONE, whyNotPublished } from "./catalogue.core";
import { Grants } from "./servers";

export function Skills() {
  return (
    <Section title="Skills">
      <Read result={useQuery(skillsQuery)} what="skills" rows={2}>
        {(skills) =>
          skills.length === 0 ? (
            <Nothing>No skill is in the catalogue.</Nothing>
          ) : (
            <Rows label="Skills">
              {skills.map((skill) => (
                <SkillRow key={skill.id} skill={skill} />
              ))}
            </Rows>
          )
        }
      </Read>
    </Section>
  );
}

function SkillRow({ skill }: { skill: SkillBundle }) {
  const scan = useAct(() => scanSkill(skill.id));
  const publish = useAct(() => setSkillStatus(skill, "published"));
  const why = whyNotPublished(skill);
  const failed = scan.error ?? publish.error;
  return (
    <li data-testid="skill" data-name={skill.name} data-stage={skill.stage} className={`${rowClass} grid gap-2 px-4 py-3 text-[0.8125rem]`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="text-sm font-medium [overflow-wrap:anywhere]">
              {skill.name} {skill.version}
            </span>
            <Pill tone={STAGE_TONE[skill.stage]}>{skill.stage}</Pill>
            <Pill tone={SCAN_TONE[skill.scanStatus]}>scan {skill.scanStatus}</Pill>
          </p>
          <p className="text-muted [overflow-wrap:anywhere]">
            <Id>{shortDigest(skill.digest)}</Id> · {skill.scope}
            {skill.sourceName !== undefined && <> · from {skill.sourceName}</>}
            {skill.stage !== "published" && why !== null && <> · {why}</>}
          </p>
        </div>
        <div className="flex gap-2">
          <Button size="sm" aria-label={`Scan ${skill.name}`} busy={scan.isPending} onClick={() => scan.mutate()}>
            Scan
          </Button>
          {skill.stage === "published" ? (
            <ConfirmAct label="Deprecate" name={`Deprecate ${skill.name}`} title={`Deprecate ${skill.name}?`} description="Agents get it no more." confirmLabel="Deprecate" act={() => setSkillStatus(skill, "deprecated")} />
          ) : (
            <Button size="sm" aria-label={`Publish ${skill.name}`} disabled={why !== null} busy={publish.isPending} onClick={() => publish.mutate()}>
              Publish
            </Button>
          )}
        </div>
      </div>
      {failed !== null && <ErrorNotice error={failed} />}
      {scan.data && (
        <Notice tone={scan.data.passed ? "ok" : "bad"}>
          {scan.data.passed ? "The scan passed" : "The scan failed"}
          {scan.data.reason !== undefined && `: ${scan.data.reason}`}. {countOf(scan.data.findings.length, "finding")}
          {scan.data.findings.length > 0 && `: ${scan.data.findings.map(({ severity, description }) => `${severity}, ${description}`).join("; ")}`}.
        </Notice>
      )}
      <Grants grants={skill.grants} />
    </li>
  );
}
