export { ensureCustomer, findCustomer, forgetCustomer, requirePayments } from "./customers";
export { deleteCustomerOf } from "./delete-customer";
export { clearCheckout, findCustomerOwner, setCheckout, type Customer } from "./payments.store";
export { recordPayment } from "./record-payment";
