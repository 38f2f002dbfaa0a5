export { purgeFeed } from "./purge-feed";
