/** Every class that wrangler.toml names. */
export { InstanceDO } from "./instance/instance-do";
export { AccountFeedDO } from "./account-feed/account-feed-do";
export { TenantDO } from "./tenant/tenant-do";
export { DirectoryDO } from "./directory/directory-do";
export { OrgDO } from "./org/org-do";
export { BudgetDO } from "./budget/budget-do";
