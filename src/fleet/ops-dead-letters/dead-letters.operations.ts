import { operation } from "../../kernel/operation";
import { getDeadLetter, listDeadLetters } from "./dead-letters.queries";
import { DeadLetterListView, DeadLetterRef, DeadLetterView, ListDeadLettersQuery, RetriedLetterView } from "./dead-letters.schemas";
import { dropDeadLetter, retryDeadLetter } from "./retry-letter";

const TAG = "ops";
const PATH = "/api/v1/admin/ops/dead-letters";

export const operations = [
  operation({
    id: "fleet.ops-dead-letters.list",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "Queue messages that could not be handled, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListDeadLettersQuery,
    output: DeadLetterListView,
  }).handle(({ query }, ctx) => listDeadLetters(ctx, query)),
  operation({
    id: "fleet.ops-dead-letters.get",
    method: "get",
    path: `${PATH}/{letter_id}`,
    tag: TAG,
    summary: "One message that could not be handled",
    auth: ["admin"],
    limit: "read",
    params: DeadLetterRef,
    output: DeadLetterView,
  }).handle(({ params }, ctx) => getDeadLetter(ctx, params)),
  operation({
    id: "fleet.ops-dead-letters.retry",
    method: "post",
    path: `${PATH}/{letter_id}/retry`,
    tag: TAG,
    summary: "Send the job again under a new message id; a second press finds nothing",
    auth: ["superadmin"],
    limit: "write",
    audit: "dead_letter.retry",
    params: DeadLetterRef,
    output: RetriedLetterView,
  }).handle(({ params }, ctx) => retryDeadLetter(ctx, params)),
  operation({
    id: "fleet.ops-dead-letters.drop",
    method: "delete",
    path: `${PATH}/{letter_id}`,
    tag: TAG,
    summary: "Remove a message that could not be handled, for good",
    auth: ["superadmin"],
    limit: "write",
    audit: "dead_letter.drop",
    params: DeadLetterRef,
    status: 204,
  }).handle(({ params }, ctx) => dropDeadLetter(ctx, params)),
];
