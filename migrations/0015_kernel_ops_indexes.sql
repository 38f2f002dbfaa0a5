-- What operators read of the server's own work, without walks through whole tables; and since when old token keys rest.
CREATE INDEX `audit_log_action` ON `audit_log` (`action`,`created_at`);
CREATE INDEX `reconcile_findings_listed` ON `reconcile_findings` ((resolved_at IS NULL));
CREATE INDEX `reconcile_findings_kind` ON `reconcile_findings` ((resolved_at IS NULL),`kind`);
CREATE INDEX `users_on_matrix` ON `users` (`id`) WHERE matrix_account_created = 1;
CREATE TABLE `idle_token_keys` (
	`key_id` text PRIMARY KEY NOT NULL,
	`since` integer NOT NULL
);
