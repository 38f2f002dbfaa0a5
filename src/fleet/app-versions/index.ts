export { compareVersions, VERSION_PATTERN } from "./version-number.core";
