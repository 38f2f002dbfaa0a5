import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { useAct } from "../act";
import { putDatasets } from "../governance.api";
import { datasetsQuery } from "../governance-query";
import type { Datasets } from "../governance.types";
import { Card, Chips, Line, Read, TextArea } from "../parts";
import { faultOf } from "../refusal.core";
import { readList, showList } from "../texts.core";

const LEVELS = ["team", "project", "personal"] as const;
const LABEL = { team: "Team", project: "Project", personal: "Personal" } as const;

/** Which datasets the tenant is a member of. */
export function DatasetsSection({ name }: { name: string }) {
  const result = useQuery(datasetsQuery(name));
  const [isEditing, setEditing] = useState(false);
  return (
    <Section
      title="Datasets"
      aside={
        <Button size="sm" aria-label="Edit datasets" disabled={!result.data} onClick={() => setEditing(true)}>
          Edit
        </Button>
      }
    >
      <Read result={result} what="datasets" rows={2}>
        {(datasets) => (
          <Card isList>
            <dl>
              {LEVELS.map((level) => (
                <Line key={level} label={LABEL[level]}>
                  <Chips items={datasets[level]} none="None" />
                </Line>
              ))}
            </dl>
          </Card>
        )}
      </Read>
      <Dialog isOpen={isEditing} onOpenChange={setEditing} title="Datasets" description="Names, one a line. Everybody is in the organisation's own.">
        {result.data && <DatasetsForm name={name} datasets={result.data} onClose={() => setEditing(false)} />}
      </Dialog>
    </Section>
  );
}

function DatasetsForm({ name, datasets, onClose }: { name: string; datasets: Datasets; onClose: () => void }) {
  const [typed, setTyped] = useState({ team: showList(datasets.team), project: showList(datasets.project), personal: showList(datasets.personal) });
  const save = useAct((body: Datasets) => putDatasets(name, body), onClose);
  const error = save.error === null ? null : asApiError(save.error);
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!save.isPending) save.mutate({ org: datasets.org, team: readList(typed.team), project: readList(typed.project), personal: readList(typed.personal) });
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      {LEVELS.map((level) => (
        <TextArea key={level} label={LABEL[level]} name={level} rows={2} value={typed[level]} error={faultOf(error, level)} onChange={(event) => setTyped({ ...typed, [level]: event.target.value })} />
      ))}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
