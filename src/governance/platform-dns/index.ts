export { solverSealContext } from "./platform-dns.core";
