export { botRecoveryKeySealContext } from "./bootstrap-hermes-bot";
