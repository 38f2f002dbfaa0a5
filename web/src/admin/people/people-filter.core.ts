/** What the list of people is narrowed to. It lives in the address, so that a list can be sent to a colleague. */

export const PERSON_STATUSES = ["active", "deactivated", "deleted"] as const;
export const PERSON_ROLES = ["user", "admin", "superadmin"] as const;

export interface PeopleFilter {
  q: string;
  status: (typeof PERSON_STATUSES)[number] | null;
  role: (typeof PERSON_ROLES)[number] | null;
  verified: "yes" | "no" | null;
  /** From 1. */
  page: number;
}

/** The same as words of an address; what is left out is not there. */
export interface PeopleSearch {
  q?: string;
  status?: string;
  role?: string;
  verified?: string;
  page?: string;
}

const oneOf = <T extends string>(words: readonly T[], word: string | undefined): T | null => words.find((one) => one === word) ?? null;

/** Words that mean nothing here are left aside: an old address still shows a list. */
export function readPeopleFilter({ q, status, role, verified, page }: PeopleSearch): PeopleFilter {
  const number = Number(page ?? 1);
  return {
    q: q?.trim() ?? "",
    status: oneOf(PERSON_STATUSES, status),
    role: oneOf(PERSON_ROLES, role),
    verified: oneOf(["yes", "no"] as const, verified),
    page: Number.isSafeInteger(number) && number > 0 ? number : 1,
  };
}

/** Another filter begins at its first page. */
export function writePeopleSearch(filter: PeopleFilter, change: Partial<PeopleFilter>): PeopleSearch {
  const { q, status, role, verified, page } = { ...filter, page: 1, ...change };
  return { ...(q && { q }), ...(status && { status }), ...(role && { role }), ...(verified && { verified }), ...(page > 1 && { page: String(page) }) };
}

/** "51–100 of 1,234"; a count that was not finished is "more than". */
export function describeRange(list: { page: number; per_page: number; total: number; total_is_exact: boolean }, shown: number): string {
  const total = list.total.toLocaleString();
  const whole = list.total_is_exact ? total : `more than ${total}`;
  if (shown === 0) return `Nobody here, of ${whole}`;
  const first = (list.page - 1) * list.per_page + 1;
  return `${first.toLocaleString()}–${(first + shown - 1).toLocaleString()} of ${whole}`;
}

/** Whether there is a page after this one. An inexact total never says that there is none. */
export function hasNextPage(list: { page: number; per_page: number; total: number; total_is_exact: boolean }, shown: number): boolean {
  return shown === list.per_page && (!list.total_is_exact || list.page * list.per_page < list.total);
}
