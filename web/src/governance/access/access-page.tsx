import { PageHead } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { AccessTokens } from "./access-tokens";
import { Groups } from "./groups";

/** Who may use the governance API, and who belongs together. */
export function AccessPage() {
  usePageTitle("Access");
  return (
    <div data-testid="access" className="grid grid-cols-1 gap-7">
      <PageHead title="Access" />
      <AccessTokens />
      <Groups />
    </div>
  );
}
