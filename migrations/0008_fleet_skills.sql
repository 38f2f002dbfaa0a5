CREATE TABLE `skill_contents` (
	`tenant_id` integer NOT NULL,
	`digest` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`format` text NOT NULL,
	`created_at` integer NOT NULL,
	`used_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `digest`)
);
CREATE INDEX `skill_contents_age` ON `skill_contents` (`used_at`);
CREATE TABLE `skill_transfers` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`skill_name` text NOT NULL,
	`description` text NOT NULL,
	`source_instance_id` text NOT NULL,
	`target_instance_id` text NOT NULL,
	`digest` text NOT NULL,
	`state` text NOT NULL,
	`export_command_id` text,
	`install_command_id` text,
	`failure` text,
	`check_at` integer,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `skill_transfers_open` ON `skill_transfers` (`tenant_id`,`target_instance_id`,`skill_name`) WHERE check_at IS NOT NULL;
CREATE INDEX `skill_transfers_check` ON `skill_transfers` (`check_at`) WHERE check_at IS NOT NULL;
CREATE INDEX `skill_transfers_content` ON `skill_transfers` (`tenant_id`,`digest`);
CREATE INDEX `skill_transfers_age` ON `skill_transfers` (`updated_at`);
