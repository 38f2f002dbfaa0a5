CREATE TABLE `users` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`sub` text NOT NULL,
	`email` text NOT NULL,
	`email_key` text NOT NULL,
	`username` text NOT NULL,
	`name` text NOT NULL,
	`display_name` text,
	`phone_number` text,
	`auto_destruct_time` text,
	`matrix_id` text NOT NULL,
	`matrix_account_created` integer DEFAULT false NOT NULL,
	`password_hash` text NOT NULL,
	`role` text DEFAULT 'user' NOT NULL,
	`status` text DEFAULT 'active' NOT NULL,
	`account_verified` integer DEFAULT false NOT NULL,
	`token_epoch` integer DEFAULT 0 NOT NULL,
	`plan_key` text,
	`trial_ends_at` integer NOT NULL,
	`agreed_terms` integer,
	`agreed_privacy` integer,
	`last_signed_in_at` integer,
	`last_signed_out_at` integer,
	`deleted_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `users_sub` ON `users` (`sub`);
CREATE UNIQUE INDEX `users_email` ON `users` (`email_key`);
CREATE UNIQUE INDEX `users_username` ON `users` (`username`);
CREATE UNIQUE INDEX `users_matrix_id` ON `users` (`matrix_id`);
CREATE TABLE `one_time_codes` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`purpose` text NOT NULL,
	`code_hash` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`expires_at` integer NOT NULL,
	`sent_at` integer NOT NULL
);
CREATE UNIQUE INDEX `one_time_codes_purpose` ON `one_time_codes` (`tenant_id`,`purpose`);
CREATE TABLE `sessions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`refresh_hash` text NOT NULL,
	`device_name` text,
	`platform` text,
	`ip_address` text,
	`created_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`revoked_at` integer
);
CREATE UNIQUE INDEX `sessions_refresh` ON `sessions` (`refresh_hash`);
CREATE INDEX `sessions_tenant` ON `sessions` (`tenant_id`,`revoked_at`);
CREATE TABLE `cli_logins` (
	`code` text PRIMARY KEY NOT NULL,
	`started` integer NOT NULL,
	`tenant_id` integer,
	`sealed_token` text,
	`completed_at` integer,
	`first_polled_at` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
CREATE INDEX `cli_logins_expiry` ON `cli_logins` (`expires_at`);
CREATE TABLE `cli_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`name` text NOT NULL,
	`token_hash` text NOT NULL,
	`token_prefix` text NOT NULL,
	`scopes` text NOT NULL,
	`lifetime_ms` integer,
	`expires_at` integer,
	`revoked_at` integer,
	`bound_instance_id` text,
	`bound_at` integer,
	`last_used_at` integer,
	`last_used_ip` text,
	`use_count` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `cli_tokens_tenant` ON `cli_tokens` (`tenant_id`,`created_at`);
CREATE UNIQUE INDEX `cli_tokens_name` ON `cli_tokens` (`tenant_id`,`name`) WHERE revoked_at IS NULL;
CREATE INDEX `cli_tokens_bound` ON `cli_tokens` (`tenant_id`,`bound_instance_id`);
CREATE TABLE `cli_token_events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`token_id` text NOT NULL,
	`event_type` text NOT NULL,
	`event_detail` text NOT NULL,
	`source_ip` text,
	`user_agent` text,
	`instance_id` text,
	`occurred_at` integer NOT NULL
);
CREATE INDEX `cli_token_events_token` ON `cli_token_events` (`token_id`,`occurred_at`);
