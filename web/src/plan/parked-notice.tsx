import { useQuery } from "@tanstack/react-query";
import { Notice } from "../ui/notice";
import { PlanLink } from "./plan-link";
import { listNames } from "./keep.core";
import { parkedMachinesQuery } from "./plan-query";

/** Says which machines the plan does not carry any more: of all, or about one. Silent while that is not known. */
export function ParkedNotice({ instanceId }: { instanceId?: string }) {
  const { data } = useQuery(parkedMachinesQuery);
  const parked = data?.filter((one) => instanceId === undefined || one.instanceId === instanceId) ?? [];
  if (parked.length === 0) return null;
  return (
    <div data-testid="parked-machines">
      <Notice tone="warn" action={<PlanLink />}>
        {instanceId === undefined ? `Your plan does not carry ${listNames(parked.map(({ name }) => name))} any more` : "Your plan does not carry this machine any more"}: parked machines take no commands and pair no bots. A larger plan brings them back.
      </Notice>
    </div>
  );
}
