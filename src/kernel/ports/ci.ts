/** A place where workflows run. The client is src/integrations/github; verbs see only this. */

export interface Ci {
  /** What {@link dispatch} starts, for people to read. */
  readonly target: { readonly repository: string; readonly workflow: string; readonly ref: string };
  /**
   * Starts the workflow. Not harmless when repeated: each call is another run.
   * @returns `refused` when the workflow does not take this ref or these inputs, with its own words
   * @throws AppError BAD_GATEWAY (our token, or no such workflow), DEPENDENCY_UNAVAILABLE (down, too slow, over its limit); it may have started then
   */
  dispatch(inputs: Readonly<Record<string, string>>): Promise<{ readonly kind: "started" } | { readonly kind: "refused"; readonly reason: string }>;
}
