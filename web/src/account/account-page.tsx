import { usePageTitle } from "../lib/use-page-title";
import { AccountTabs } from "./account-tabs";
import { CliTokens } from "./cli-tokens";
import { Sessions } from "./sessions";

export function AccountPage() {
  usePageTitle("Account");
  return (
    <div className="mx-auto grid max-w-5xl grid-cols-1 gap-8">
      <AccountTabs />
      <Sessions />
      <CliTokens />
    </div>
  );
}
