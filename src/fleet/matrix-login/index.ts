export { deactivateMatrixAccount, matrixDeactivation } from "./deactivate-matrix-account";
