interface Page {
  readonly offset: number;
  readonly limit: number;
}

/**
 * How to read a page that is counted from the begin of a list: skipped rows are read too, so a page in the second half is read from the end, in the
 * opposite order, and turned round afterwards.
 * @param total rows of the list
 */
export function fromNearerEnd(total: number, { offset, limit }: Page): Page & { readonly reversed: boolean } {
  if (offset * 2 <= total) return { reversed: false, offset, limit };
  const rows = Math.max(0, Math.min(limit, total - offset));
  return { reversed: true, offset: Math.max(0, total - offset - rows), limit: rows };
}
