/** Something that operators must hear of. */
export interface Alert {
  /** The same for an alert that is sent again. */
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Who tells operators. */
export interface Alerts {
  /** Resolves when it was taken. @throws AppError BAD_GATEWAY */
  send(alert: Alert): Promise<void>;
}
