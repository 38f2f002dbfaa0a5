import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useFleetConnection } from "../fleet/fleet-connection";
import { LiveIndicator } from "../fleet/live-indicator";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/skeleton";
import { BuyAddon } from "./buy-addon";
import { describePlaces } from "./cloud.core";
import { addonsQuery, useCloudVms } from "./cloud-query";
import type { CloudVm } from "./cloud.types";
import { CreateVmDialog } from "./create-vm-dialog";
import { DestroyVmDialog } from "./destroy-vm-dialog";
import { EmptyCloud } from "./empty-cloud";
import { VmCard } from "./vm-card";
import { VmProblem } from "./vm-problem";

export function CloudPage() {
  usePageTitle("Cloud");
  const { list, entries } = useCloudVms();
  const addons = useQuery(addonsQuery);
  const { status } = useFleetConnection();
  const navigate = useNavigate();
  const [isCreating, setCreating] = useState(false);
  const [destroying, setDestroying] = useState<CloudVm | null>(null);
  const vms = list.data?.cloud_vms;
  const canCreate = list.data?.available !== 0;
  return (
    <div data-testid="cloud-page" data-live={status} className="grid grid-cols-1 gap-4">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <h1 className="text-2xl font-semibold tracking-tight">Cloud machines</h1>
          {list.data && list.data.cloud_vms.length > 0 && (
            <p data-testid="cloud-places" className="text-[0.8125rem] text-muted">
              {describePlaces(list.data)}
            </p>
          )}
        </div>
        <LiveIndicator />
      </div>
      {list.error !== null && (
        <VmProblem
          error={list.error}
          act="read"
          action={
            <Button size="sm" busy={list.isFetching} onClick={() => void list.refetch()}>
              Try again
            </Button>
          }
        />
      )}
      {vms ? (
        <>
          {!canCreate && <BuyAddon hasMachines={vms.length > 0} />}
          {vms.length === 0 ? (
            <EmptyCloud canCreate={canCreate} onCreate={() => setCreating(true)} />
          ) : (
            <>
              {canCreate && (
                <div>
                  <Button variant="primary" data-testid="create-vm" onClick={() => setCreating(true)}>
                    <Plus aria-hidden className="size-4" /> Create a machine
                  </Button>
                </div>
              )}
              <section aria-label="Cloud machines" className={cx("grid grid-cols-[repeat(auto-fill,minmax(min(100%,23rem),1fr))] gap-3 transition-[filter]", status === "offline" && "grayscale")}>
                {vms.map((vm) => (
                  <VmCard key={vm.instance_id} vm={vm} entry={entries?.[vm.instance_id]} addons={addons.data} onDestroy={() => setDestroying(vm)} />
                ))}
              </section>
            </>
          )}
        </>
      ) : (
        list.error === null && <CloudSkeleton />
      )}
      <CreateVmDialog
        isOpen={isCreating}
        onClose={() => setCreating(false)}
        onCreated={(instanceId) => {
          setCreating(false);
          void navigate({ to: "/cloud/$instanceId", params: { instanceId } });
        }}
      />
      {destroying && <DestroyVmDialog vm={destroying} isOpen onClose={() => setDestroying(null)} />}
    </div>
  );
}

function CloudSkeleton() {
  return (
    <div role="status" className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,23rem),1fr))] gap-3">
      <span className="sr-only">Loading the cloud machines</span>
      {[0, 1].map((card) => (
        <div key={card} className="grid h-44 content-start gap-3 rounded-xl border border-line bg-surface p-4">
          <Skeleton className="h-5 w-36" />
          <Skeleton className="h-4 w-56" />
          <Skeleton className="mt-6 h-8 w-40" />
        </div>
      ))}
    </div>
  );
}
