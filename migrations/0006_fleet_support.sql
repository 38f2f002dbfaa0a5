CREATE TABLE `app_versions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`platform` text NOT NULL,
	`app_version` text NOT NULL,
	`build_number` integer,
	`min_version` text NOT NULL,
	`is_force_update` integer NOT NULL,
	`is_maintenance_mode` integer NOT NULL,
	`release_notes` text,
	`download_url` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `app_versions_build` ON `app_versions` (`platform`,`app_version`,`build_number`);
CREATE UNIQUE INDEX `app_versions_release` ON `app_versions` (`platform`,`app_version`) WHERE build_number IS NULL;
CREATE TABLE `support_reports` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`text` text NOT NULL,
	`can_contact` integer NOT NULL,
	`contact_email` text,
	`app_version` text,
	`os` text,
	`device_id` text,
	`status` text NOT NULL,
	`priority_support` integer NOT NULL,
	`admin_notes` text,
	`resolved_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `support_reports_queue` ON `support_reports` (`priority_support`,`id`);
CREATE INDEX `support_reports_status` ON `support_reports` (`status`,`priority_support`,`id`);
CREATE INDEX `support_reports_tenant` ON `support_reports` (`tenant_id`,`id`);
CREATE TABLE `assistant_turns` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`created_at` integer NOT NULL
);
CREATE INDEX `assistant_turns_tenant` ON `assistant_turns` (`tenant_id`,`created_at`);
ALTER TABLE `supported_versions` ADD `min_version` text;
ALTER TABLE `supported_versions` ADD `notes` text;
ALTER TABLE `supported_versions` ADD `updated_by` text;
