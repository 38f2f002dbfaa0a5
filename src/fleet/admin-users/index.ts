export { UserActionView, UserRef } from "./admin-users.schemas";
export { changeUser, hasNoMatrixAccount, listAdministratorRows } from "./admin-users.store";
export { chooseUsername } from "./choose-username";
export { getUserRow, requireActive, requireUserToChange } from "./require-user";
export { commitNamed } from "./update-user";
