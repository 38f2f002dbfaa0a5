import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Fact, Facts, Id, PageHead, Pill, rowClass, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { Switch } from "../../ui/switch";
import { useAct } from "../act";
import { ConfirmAct } from "../confirm-act";
import { promoteWave, rollBack, setRollout } from "../governance.api";
import { participationQuery, rolloutQuery } from "../governance-query";
import type { Rollout } from "../governance.types";
import { Read, TextArea } from "../parts";
import { faultOf } from "../refusal.core";
import { readList, showList } from "../texts.core";

/** How far a new awareness version has come. */
export function RolloutPage() {
  usePageTitle("Rollout");
  const [isSetting, setSetting] = useState(false);
  const result = useQuery(rolloutQuery);
  return (
    <div data-testid="rollout" className="grid grid-cols-1 gap-6">
      <PageHead title="Awareness rollout" note="A new version reaches tenants wave by wave">
        <Button size="sm" disabled={!result.data} onClick={() => setSetting(true)}>
          New rollout
        </Button>
      </PageHead>
      <Read result={result} what="the rollout" rows={4}>
        {(rollout) => (
          <>
            <Whole rollout={rollout} />
            <Dialog isOpen={isSetting} onOpenChange={setSetting} title="New rollout" description="It begins anew: no wave is promoted.">
              <RolloutForm rollout={rollout} onClose={() => setSetting(false)} />
            </Dialog>
          </>
        )}
      </Read>
    </div>
  );
}

function Whole({ rollout }: { rollout: Rollout }) {
  const participation = useQuery(participationQuery);
  const { promotedWaves, nextWave, targetVersion, stableVersion } = rollout;
  return (
    <>
      <Facts>
        <Fact label="Target">
          <Id>{targetVersion}</Id>
        </Fact>
        <Fact label="Stable">
          <Id>{stableVersion}</Id>
        </Fact>
        <Fact label="Shadow mode">{rollout.shadowMode ? "on: promoted tenants run stable and only watch the target" : "off"}</Fact>
        <Fact label="Drifted">{participation.data ? countOf(participation.data.drifted, "tenant") : "…"}</Fact>
      </Facts>
      <Section
        title="Waves"
        aside={
          <ConfirmAct
            label="Roll back"
            variant="danger"
            isDisabled={promotedWaves.length === 0}
            title="Roll back?"
            description={`Every tenant is back on ${stableVersion}: no wave is promoted any more.`}
            confirmLabel="Roll back"
            act={rollBack}
          />
        }
      >
        <Rows label="Waves">
          {rollout.waves.map((wave, index) => {
            const isPromoted = promotedWaves.includes(wave);
            return (
              <li key={wave} data-testid="wave" data-wave={wave} data-promoted={isPromoted} className={`${rowClass} flex min-h-14 flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5`}>
                <span className="min-w-0 flex-1 basis-24 [overflow-wrap:anywhere]">
                  <span className="mr-2 text-muted">{index + 1}</span>
                  <span className="font-medium">{wave}</span>
                </span>
                <Pill tone={isPromoted ? "ok" : "quiet"}>{isPromoted ? "Promoted" : "On stable"}</Pill>
                {wave === nextWave && (
                  <ConfirmAct label="Promote" name={`Promote ${wave}`} title={`Promote ${wave}?`} description={`Tenants of this wave get ${targetVersion}.`} confirmLabel="Promote" act={() => promoteWave(wave)} />
                )}
              </li>
            );
          })}
        </Rows>
      </Section>
    </>
  );
}

function RolloutForm({ rollout, onClose }: { rollout: Rollout; onClose: () => void }) {
  const [targetVersion, setTarget] = useState("");
  const [stableVersion, setStable] = useState(rollout.stableVersion);
  const [waves, setWaves] = useState(showList(rollout.waves));
  const [shadowMode, setShadow] = useState(false);
  const save = useAct(() => setRollout({ targetVersion: targetVersion.trim(), stableVersion: stableVersion.trim(), waves: readList(waves), shadowMode }), onClose);
  const error = save.error === null ? null : asApiError(save.error);
  const isWhole = targetVersion.trim() !== "" && stableVersion.trim() !== "";
  return (
    <form
      data-testid="rollout-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole && !save.isPending) save.mutate();
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <Field label="Target version" name="targetVersion" placeholder="awareness/v1beta1" autoComplete="off" spellCheck={false} value={targetVersion} error={faultOf(error, "targetVersion")} onChange={(event) => setTarget(event.target.value)} />
      <Field label="Stable version" name="stableVersion" autoComplete="off" spellCheck={false} value={stableVersion} error={faultOf(error, "stableVersion")} onChange={(event) => setStable(event.target.value)} />
      <TextArea label="Waves" name="waves" rows={4} value={waves} error={faultOf(error, "waves")} hint="One a line, the first to be promoted first." onChange={(event) => setWaves(event.target.value)} />
      <div className="flex items-center justify-between gap-4 text-sm font-medium">
        <span aria-hidden>Shadow mode</span>
        <Switch label="Shadow mode" isOn={shadowMode} onChange={setShadow} />
      </div>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!isWhole}>
          Begin
        </Button>
      </div>
    </form>
  );
}
