export { requireMatrixAdmin } from "./require-admin";
