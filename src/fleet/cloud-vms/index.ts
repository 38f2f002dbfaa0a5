export { destroyCloudVmsOf, destroyUnpaidVm } from "./destroy-cloud-vm";
