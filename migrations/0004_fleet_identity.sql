ALTER TABLE `users` ADD `phone_key` text;
ALTER TABLE `users` ADD `epoch_raised_at` integer;
ALTER TABLE `users` ADD `deletion_status` text;
CREATE INDEX `users_phone` ON `users` (`phone_key`);
CREATE TABLE `password_tries` (
	`key` text PRIMARY KEY NOT NULL,
	`failures` integer NOT NULL,
	`locked_until` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `password_tries_age` ON `password_tries` (`updated_at`);
CREATE TABLE `recovery_keys` (
	`tenant_id` integer PRIMARY KEY NOT NULL,
	`sealed_key` text NOT NULL,
	`device_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE TABLE `external_identities` (
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`tenant_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`issuer`, `subject`)
);
CREATE INDEX `external_identities_tenant` ON `external_identities` (`tenant_id`);
