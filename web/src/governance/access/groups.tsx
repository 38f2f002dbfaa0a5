import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { rowClass, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { useAct } from "../act";
import { changeGroup, createGroup, deleteGroup } from "../assets.api";
import { describeGrant } from "../catalogue/catalogue.core";
import { ConfirmAct } from "../confirm-act";
import { groupsQuery } from "../governance-query";
import type { Group } from "../governance.types";
import { Chips, Read, TextArea } from "../parts";
import { faultOf } from "../refusal.core";
import { readList, showList } from "../texts.core";

/** Tenants that belong together, so that one grant reaches them all. */
export function Groups() {
  const [asked, setAsked] = useState<Group | "new" | null>(null);
  return (
    <Section
      title="Groups"
      aside={
        <Button size="sm" onClick={() => setAsked("new")}>
          New group
        </Button>
      }
    >
      <Read result={useQuery(groupsQuery)} what="groups" rows={2}>
        {(groups) =>
          groups.length === 0 ? (
            <Nothing>No group yet. A grant to a group reaches all of its tenants.</Nothing>
          ) : (
            <Rows label="Groups">
              {groups.map((group) => (
                <GroupRow key={group.id} group={group} onEdit={() => setAsked(group)} />
              ))}
            </Rows>
          )
        }
      </Read>
      <Dialog
        isOpen={asked !== null}
        onOpenChange={(next) => {
          if (!next) setAsked(null);
        }}
        title={asked === "new" || asked === null ? "New group" : asked.name}
        description="Its members are tenants, by name."
      >
        {asked !== null && <GroupForm group={asked === "new" ? null : asked} onClose={() => setAsked(null)} />}
      </Dialog>
    </Section>
  );
}

function GroupRow({ group, onEdit }: { group: Group; onEdit: () => void }) {
  return (
    <li data-testid="group" data-name={group.name} className={`${rowClass} flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 text-[0.8125rem]`}>
      <div className="grid min-w-0 flex-1 basis-60 gap-1.5">
        <p className="[overflow-wrap:anywhere]">
          <span className="text-sm font-medium">{group.name}</span> <span className="text-muted">{group.scope}, {countOf(group.memberCount, "member")}</span>
        </p>
        {group.description !== undefined && <p className="text-muted [overflow-wrap:anywhere]">{group.description}</p>}
        {group.members.length > 0 && <Chips items={group.members} none="" />}
        {group.grants.map((grant) => (
          <p key={grant.id} className="text-muted [overflow-wrap:anywhere]">
            {grant.payloadId} {grant.subjectId === group.id ? (grant.access === "allow" ? "allowed" : "denied") : describeGrant(grant)}
          </p>
        ))}
      </div>
      <div className="flex gap-2">
        <Button size="sm" aria-label={`Edit ${group.name}`} onClick={onEdit}>
          Edit
        </Button>
        <ConfirmAct label="Delete" name={`Delete ${group.name}`} title={`Delete ${group.name}?`} description="What was granted to it reaches its members no more." confirmLabel="Delete the group" act={() => deleteGroup(group.id)} />
      </div>
    </li>
  );
}

function GroupForm({ group, onClose }: { group: Group | null; onClose: () => void }) {
  const [name, setName] = useState(group?.name ?? "");
  const [description, setDescription] = useState(group?.description ?? "");
  const [members, setMembers] = useState(showList(group?.members));
  const save = useAct(() => {
    const body = { name: name.trim(), description: description.trim() || null, members: readList(members) };
    return group ? changeGroup(group.id, { ...body, grants: group.grants }) : createGroup(body);
  }, onClose);
  const error = save.error === null ? null : asApiError(save.error);
  return (
    <form
      data-testid="group-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "" && !save.isPending) save.mutate();
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <Field label="Name" name="group-name" placeholder="engineering" autoComplete="off" maxLength={200} value={name} error={faultOf(error, "name")} onChange={(event) => setName(event.target.value)} />
      <Field label="Description" name="group-description" autoComplete="off" value={description} error={faultOf(error, "description")} onChange={(event) => setDescription(event.target.value)} />
      <TextArea label="Members" name="members" value={members} error={faultOf(error, "members")} hint="Names of tenants, one a line." onChange={(event) => setMembers(event.target.value)} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={name.trim() === ""}>
          Save
        </Button>
      </div>
    </form>
  );
}
