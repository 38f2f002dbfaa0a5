/** What newcomers see of a room, as the audit log keeps it. `displayOrder` null: last. */
export const shownOf = ({ displayName, description, displayOrder }: { readonly displayName: string | null; readonly description: string | null; readonly displayOrder: number | null }) => ({
  display_name: displayName,
  description,
  display_order: displayOrder,
});
