import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { findSignInNotice } from "../auth/sign-in-notice";
import { useSession } from "../auth/use-session";

/** Leaves for the sign-in page as soon as the session ends, here or in another tab, and forgets what was on show. */
export function SignedIn() {
  const session = useSession();
  const router = useRouter();
  const client = useQueryClient();
  const token = session?.refreshToken ?? null;
  const firstToken = useRef(token);
  useEffect(() => {
    // Somebody else signed in from another tab: nothing of the first person may stay on the page.
    if (token !== null && token !== firstToken.current) location.reload();
  }, [token]);
  useEffect(() => {
    if (session) return;
    const next = router.state.location.href;
    const isMeant = ["signed-out", "signed-out-everywhere"].includes(findSignInNotice() ?? "");
    const search = isMeant ? {} : { next };
    void router.navigate({ to: "/login", search, replace: true }).then(() => client.clear());
  }, [session, router, client]);
  return session ? <Outlet /> : null;
}
