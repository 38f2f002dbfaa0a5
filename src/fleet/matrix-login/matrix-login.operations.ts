import { operation } from "../../kernel/operation";
import { MatrixLoginBody, MatrixLoginView } from "./matrix-login.schemas";
import { signInToMatrix } from "./sign-in-to-matrix";

export const operations = [
  operation({
    id: "fleet.matrix-login.create",
    method: "post",
    path: "/api/v1/auth/matrix-login",
    tag: "auth",
    summary: "Sign in to the homeserver; nothing of it is kept here",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.username,
    audit: "matrix_login.create",
    body: MatrixLoginBody,
    output: MatrixLoginView,
  }).handle(({ body }, ctx) => signInToMatrix(ctx, body)),
];
