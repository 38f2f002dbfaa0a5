export { answerPage, answerRedirect, answerRefusal } from "./answers";
export { forgetEndedSessions } from "./auth.store";
export { findBrowserSession, isFromOurPage, personId } from "./browser-session";
export { escapeHtml, renderPage } from "./pages.core";
export { requireSignIn } from "./sign-in";
