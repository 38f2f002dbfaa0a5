/** Which skills are where, and how a copy to another machine goes. */
import type { Skill } from "../bots/bots.types";
import type { MachineEntry } from "../fleet/fleet.types";

const isOn = (skill: Skill, instanceId: string): boolean => skill.installedOn?.some((place) => place.instanceId === instanceId) ?? false;

export const skillsOn = (skills: readonly Skill[], instanceId: string): Skill[] => skills.filter((skill) => isOn(skill, instanceId)).toSorted((a, b) => a.name.localeCompare(b.name));

/** Machines that could get a copy. */
export const machinesWithout = (machines: readonly MachineEntry[], skill: Skill): MachineEntry[] => machines.filter(({ machine }) => !isOn(skill, machine.instanceId));

const OVER = ["installed", "failed", "expired"];

export const isTransferOver = (status: string): boolean => OVER.includes(status);

/** What people read while a copy is on its way. @param message what the server says of a failure */
export function describeTransfer(status: string, machineName: string, message: string): { text: string; tone: "info" | "ok" | "warn" } {
  switch (status) {
    case "installed":
      return { text: `Installed on ${machineName}.`, tone: "ok" };
    case "failed":
      return { text: `It could not be installed on ${machineName}: ${message}`, tone: "warn" };
    case "expired":
      return { text: `${machineName} did not come for it within a day.`, tone: "warn" };
    case "waiting_source":
      return { text: "Fetching the skill from this machine…", tone: "info" };
    default:
      return { text: `On its way to ${machineName}…`, tone: "info" };
  }
}
