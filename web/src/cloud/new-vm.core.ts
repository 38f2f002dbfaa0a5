/** The form of a new cloud machine. No I/O. */
import type { NewCloudVm } from "./cloud.types";

export const CPU_CHOICES = [1, 2, 4, 8, 16] as const;
export const RAM_CHOICES = [4, 8, 16, 32, 64] as const;
const DISK_MIN_GB = 8;
const DISK_MAX_GB = 200;
const KEY_MIN_CHARS = 8;

export const LLM_PROVIDERS = [
  { value: "anthropic", label: "Anthropic", placeholder: "sk-ant-…" },
  { value: "gemini", label: "Google Gemini", placeholder: "AIza…" },
  { value: "openrouter", label: "OpenRouter", placeholder: "sk-or-…" },
] as const;
export type LlmProvider = (typeof LLM_PROVIDERS)[number]["value"];

/** What somebody has typed so far. */
export interface NewVmForm {
  name: string;
  cpu: number;
  ram: number;
  /** Empty: the provider's default. */
  disk: string;
  provider: LlmProvider;
  key: string;
}

export const EMPTY_FORM: NewVmForm = { name: "", cpu: 2, ram: 8, disk: "", provider: "anthropic", key: "" };

export interface FormFaults {
  disk: string | null;
  key: string | null;
}

/** Faults worth telling while somebody types. An empty field is no fault. */
export function formFaults({ disk, key }: Pick<NewVmForm, "disk" | "key">): FormFaults {
  const size = Number(disk);
  const isSize = disk.trim() === "" || (Number.isInteger(size) && size >= DISK_MIN_GB && size <= DISK_MAX_GB);
  return {
    disk: isSize ? null : `A whole number from ${DISK_MIN_GB} to ${DISK_MAX_GB}, or nothing for the provider's default.`,
    key: key === "" || /^[\x21-\x7e]*$/.test(key.trim()) ? null : "A key has neither spaces nor special characters. Copy it once more.",
  };
}

/** What is sent; null while the form is not ready. */
export function toNewVm(form: NewVmForm): NewCloudVm | null {
  const key = form.key.trim();
  const faults = formFaults(form);
  if (faults.disk !== null || faults.key !== null || (key !== "" && key.length < KEY_MIN_CHARS)) return null;
  const name = form.name.trim();
  return {
    name: name === "" ? null : name,
    cpu: form.cpu,
    ram: form.ram,
    disk_size_gb: form.disk.trim() === "" ? null : Number(form.disk),
    llm_provider: key === "" ? null : form.provider,
    llm_api_key: key === "" ? null : key,
  };
}
