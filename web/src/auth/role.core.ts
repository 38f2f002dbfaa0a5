/** What the access token says about its owner's role. For what to show only: the server reads the role itself at every request. */

export type Role = "user" | "admin" | "superadmin";

/** The role that a token's claims name; `user` for a token of any other shape. */
export function roleOfToken(token: string | null): Role {
  const groups = readGroups(token?.split(".")[1] ?? "");
  return groups.includes("superadmin") ? "superadmin" : groups.includes("admin") ? "admin" : "user";
}

function readGroups(claims: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/")));
    const groups = typeof parsed === "object" && parsed !== null && "cognito:groups" in parsed ? parsed["cognito:groups"] : null;
    return Array.isArray(groups) ? groups : [];
  } catch {
    return [];
  }
}
