export { sendJobAgain } from "./retry-letter";
