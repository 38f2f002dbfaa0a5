import { usePageTitle } from "../lib/use-page-title";
import { CliTokens } from "./cli-tokens";
import { Sessions } from "./sessions";

export function AccountPage() {
  usePageTitle("Account");
  return (
    <div className="mx-auto grid max-w-3xl grid-cols-1 gap-10">
      <h1 className="text-2xl font-semibold tracking-tight">Account</h1>
      <Sessions />
      <CliTokens />
    </div>
  );
}
