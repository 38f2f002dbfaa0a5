/** Where released packages are. The client is src/integrations/npm; verbs see only this. */

export interface PackageRegistry {
  /**
   * Version under the tag `latest`; null when there is no such package.
   * @throws AppError DEPENDENCY_UNAVAILABLE when the registry does not tell
   */
  findLatest(packageName: string): Promise<string | null>;
}
