import { operation } from "../../kernel/operation";
import { listMails } from "./mailbox.queries";
import { ListMailsQuery, MailListView } from "./mailbox.schemas";

export const operations = [
  operation({
    id: "fleet.mailbox.list",
    method: "get",
    path: "/dev/mailbox",
    tag: "development",
    summary: "Mail that the local environment sent, newest first",
    auth: ["none"],
    limit: "public",
    query: ListMailsQuery,
    output: MailListView,
  }).handle(({ query }, ctx) => listMails(ctx, query)),
];
