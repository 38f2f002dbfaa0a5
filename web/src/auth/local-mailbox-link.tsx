import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { healthQuery } from "../api/health";

/** Where a local Sett shows the mail it would have sent; nothing elsewhere. */
export function LocalMailboxLink({ email }: { email: string }) {
  const { data } = useQuery(healthQuery);
  if (data?.environment !== "local") return null;
  return (
    <Link to="/dev/mailbox" search={email ? { to: email } : {}} className="rounded-sm underline-offset-4 hover:underline">
      Open the local mailbox
    </Link>
  );
}
