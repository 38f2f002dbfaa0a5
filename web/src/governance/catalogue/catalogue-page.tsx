import { PageHead } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { Servers } from "./servers";
import { Skills } from "./skills";
import { Sources } from "./sources";

/** What agents may be given: MCP servers, skills, and the sources that offer both. */
export function CataloguePage() {
  usePageTitle("Catalogue");
  return (
    <div data-testid="catalogue" className="grid grid-cols-1 gap-7">
      <PageHead title="Catalogue" note="What agents may be given" />
      <Servers />
      <Skills />
      <Sources />
    </div>
  );
}
