/**
 * An e-mail address or domain as it is compared. Only A to Z lose their case, as in SQL: letters of other alphabets whose small form is one of ours, such as
 * the sign for kelvin, make another address.
 */
export const foldAddress = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
