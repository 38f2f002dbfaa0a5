/** Every class that wrangler.toml names. */
export { InstanceDO } from "./instance/instance-do";
export { AccountFeedDO } from "./account-feed/account-feed-do";
