CREATE TABLE `governance_access_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`owner` text NOT NULL,
	`token_hash` text NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	`created_at` integer NOT NULL
);
CREATE UNIQUE INDEX `governance_access_tokens_hash` ON `governance_access_tokens` (`token_hash`);
CREATE INDEX `governance_access_tokens_created` ON `governance_access_tokens` (`created_at`,`id`);
CREATE TABLE `governance_sessions` (
	`id_hash` text PRIMARY KEY NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`email` text,
	`email_verified` integer NOT NULL,
	`name` text,
	`picture` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
CREATE INDEX `governance_sessions_expiry` ON `governance_sessions` (`expires_at`);
CREATE TABLE `governance_spent_logins` (
	`state_hash` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
CREATE INDEX `governance_spent_logins_expiry` ON `governance_spent_logins` (`expires_at`);
CREATE TABLE `governance_device_grants` (
	`code_hash` text PRIMARY KEY NOT NULL,
	`user_code` text NOT NULL,
	`ip` text,
	`user_agent` text,
	`approved_by` text,
	`approved_at` integer,
	`delivered_at` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
CREATE UNIQUE INDEX `governance_device_grants_user_code` ON `governance_device_grants` (`user_code`);
CREATE INDEX `governance_device_grants_expiry` ON `governance_device_grants` (`expires_at`);
CREATE TABLE `governance_token_epochs` (
	`tenant` text PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE TABLE `governance_brokered_sessions` (
	`tenant` text NOT NULL,
	`subject` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`tenant`, `subject`)
);
CREATE INDEX `governance_brokered_sessions_expiry` ON `governance_brokered_sessions` (`expires_at`);
